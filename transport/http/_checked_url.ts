/**
 * Checks of the URLs that clients and proxies are made for.
 * @module
 */

/** Reads a URL that can be called; a `TypeError` names the option otherwise. */
export function checkedUrl(option: string, value: string | URL): URL {
  const url = URL.canParse(value) ? new URL(value) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol)) {
    throw new TypeError(
      `Cannot use "${option}" as it must be an http or https URL: current value is "${value}"`,
    );
  }
  if (url.username + url.password !== "") {
    throw new TypeError(`Cannot use "${option}" as it has credentials: set a header in "before"`);
  }
  return url;
}
