/**
 * Subjects, checked when a thing is built.
 * @module
 */

/** Refuses what cannot be the subject of a message. */
export function checkSubject(subject: string): void {
  if (!isPattern(subject) || /(^|\.)[*>]($|\.)/.test(subject)) {
    refuse(subject, "tokens with dots between and no wildcard");
  }
}

/** Refuses what cannot be listened to: wildcards are for those who listen only. */
export function checkPattern(subject: string): void {
  if (!isPattern(subject)) refuse(subject, "tokens with dots between, and > the last if at all");
}

function isPattern(subject: string): boolean {
  const tokens = subject.split(".");
  return !/[\s\0]/.test(subject) && !tokens.includes("") && !tokens.slice(0, -1).includes(">");
}

function refuse(subject: string, rule: string): never {
  throw new TypeError(
    `Cannot use subject as it must be ${rule}: current value is ${JSON.stringify(subject)}`,
  );
}
