/**
 * What makes the endpoint of an instance.
 * @module
 */
import type { Endpoint } from "@kit/endpoint";
import type { Instance } from "./instance.ts";

/** What has to be closed with an endpoint, in any of three ways; the first that is there is taken. */
export interface Closable extends Partial<AsyncDisposable>, Partial<Disposable> {
  /** Closes. */
  readonly close?: () => void | Promise<void>;
}

/**
 * Makes the endpoint of an instance: the endpoint alone, or with what has to be closed with it.
 * @typeParam Req The request.
 * @typeParam Res The response.
 */
export type Factory<Req, Res> = (
  instance: Instance,
) =>
  | (Endpoint<Req, Res> & Partial<AsyncDisposable> & Partial<Disposable>)
  | (Closable & { readonly endpoint: Endpoint<Req, Res> });
