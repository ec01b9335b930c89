/**
 * Content negotiation between the two formats of Prometheus.
 * @module
 */

/** Tells whether an `Accept` header asks for OpenMetrics 1.0 rather than for plain text. */
export function acceptsOpenMetrics(accept: string): boolean {
  let openMetrics = 0;
  let text = 0;
  for (const range of accept.toLowerCase().split(",")) {
    const [type, ...rest] = range.split(";").map((part) => part.trim());
    const parameters = new Map(rest.map((part) => part.split("=", 2) as [string, string]));
    const weight = weightOf(parameters.get("q"));
    const version = parameters.get("version")?.replaceAll('"', "");
    if (type === "application/openmetrics-text") {
      if (version === undefined || version === "1.0.0") openMetrics = Math.max(openMetrics, weight);
    } else if (type === "text/plain") {
      if (version === undefined || version === "0.0.4") text = Math.max(text, weight);
    }
  }
  return openMetrics > 0 && openMetrics >= text;
}

function weightOf(q: string | undefined): number {
  const weight = q === undefined ? 1 : Number(q);
  return weight >= 0 && weight <= 1 ? weight : 0;
}
