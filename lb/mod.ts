export * from "./balancer.ts";
