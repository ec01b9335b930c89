/**
 * What was measured, as tables.
 * @module
 */
import type { Sample } from "./_load.ts";
import { CONCURRENCIES, type Results, type Seen } from "./_measure.ts";
import { ratios, type Series, type Spread, spread } from "./_stats.ts";

/** A promise of the design, and whether it is kept. */
export interface Verdict {
  readonly budget: string;
  readonly least: number;
  readonly ratio: Spread | undefined;
  readonly verdict: "met" | "missed" | "not measured";
}

const SERVER_BUDGETS: readonly (readonly [line: string, base: string, least: number])[] = [
  ["kit", "checks", 0.95],
  ["kit", "bare", 0.85],
  ["kit-stack", "bare", 0.65],
  ["kit", "hono", 1],
  ["kit", "gokit-1", 1],
  ["kit", "gokit", 1],
  ["kit-stack", "gokit-stack-1", 1],
  ["kit-stack", "gokit-stack", 1],
];
const CLIENT_BUDGETS = [["kit-client", "fetch", 0.95]] as const;

function seriesOf<T>(all: readonly Seen<T>[], name: string, pick: (seen: T) => number): Series {
  const rounds = all.find(({ line }) => line.name === name)?.rounds ?? [];
  return rounds.map((seen) => seen === undefined ? undefined : pick(seen));
}

/** Holds the results against the budgets of the lines that were asked for. */
export function verdicts({ servers, clients }: Results): Verdict[] {
  const found: Verdict[] = [];
  for (const [name, base, least] of SERVER_BUDGETS) {
    if (!isThere(servers, name) || !isThere(servers, base)) continue;
    const of = (line: string) => seriesOf(servers, line, ({ perSecond }) => perSecond);
    found.push(judge(`${name} / ${base}`, least, spread(ratios(of(name), of(base)))));
  }
  for (const [name, base, least] of CLIENT_BUDGETS) {
    if (!isThere(clients, name) || !isThere(clients, base)) continue;
    CONCURRENCIES.forEach((concurrency, i) => {
      const of = (line: string) => seriesOf(clients, line, (rates) => rates[i]!);
      const ratio = spread(ratios(of(name), of(base)));
      found.push(judge(`${name} / ${base}, ${concurrency} at once`, least, ratio));
    });
  }
  return found;
}

function isThere(all: readonly Seen<unknown>[], name: string): boolean {
  return all.some(({ line }) => line.name === name);
}

function judge(budget: string, least: number, ratio: Spread | undefined): Verdict {
  const verdict = ratio === undefined ? "not measured" : ratio.median >= least ? "met" : "missed";
  return { budget, least, ratio, verdict };
}

/** Writes the tables and the verdicts. */
export function report(results: Results): string {
  const { servers, clients } = results;
  const all = verdicts(results);
  const parts = [
    ...(servers.length === 0 ? [] : [serverTable(servers)]),
    ...(clients.length === 0 ? [] : [clientTable(clients)]),
    notesOf([...servers, ...clients]),
    ...(all.length === 0 ? [] : [budgetTable(all)]),
  ];
  return parts.filter((part) => part !== "").join("\n\n");
}

function serverTable(servers: readonly Seen<Sample>[]): string {
  const rates = (name: string) => seriesOf(servers, name, ({ perSecond }) => perSecond);
  const rows = servers.map(({ line, rounds, trouble }) => {
    const rate = spread(rates(line.name));
    if (rate === undefined) return [line.name, line.title, `not measured: ${trouble}`];
    return [
      line.name,
      line.title,
      rate.median.toFixed(0),
      ratioText(spread(ratios(rates(line.name), rates("bare")))),
      ratioText(spread(ratios(rates(line.name), rates("checks")))),
      spread(rounds.map((sample) => sample?.p50Ms))!.median.toFixed(2),
      spread(rounds.map((sample) => sample?.p99Ms))!.median.toFixed(2),
    ];
  });
  const head = ["server", "", "requests/s", "of bare", "of checks", "p50 ms", "p99 ms"];
  return table([head, ...rows]);
}

function clientTable(clients: Results["clients"]): string {
  const head = CONCURRENCIES.flatMap((concurrency) => [`calls/s, ${concurrency}`, "of fetch"]);
  const rows = clients.map(({ line, trouble }) => {
    if (trouble !== undefined && spread(seriesOf(clients, line.name, () => 1)) === undefined) {
      return [line.name, line.title, `not measured: ${trouble}`];
    }
    const cells = CONCURRENCIES.flatMap((_, i) => {
      const rates = (name: string) => seriesOf(clients, name, (seen) => seen[i]!);
      const rate = spread(rates(line.name));
      const ratio = spread(ratios(rates(line.name), rates("fetch")));
      return [rate?.median.toFixed(0) ?? "-", ratioText(ratio)];
    });
    return [line.name, line.title, ...cells];
  });
  return table([["client", "", ...head], ...rows]);
}

function notesOf(all: readonly Seen<unknown>[]): string {
  return all.flatMap(({ line, rounds, trouble, notes }) => [
    ...notes.map((note) => `${line.name}: ${note}`),
    ...(trouble !== undefined && rounds.length > 0 ? [`${line.name}: ${trouble}`] : []),
  ]).join("\n");
}

function budgetTable(all: readonly Verdict[]): string {
  const rows = all.map(({ budget, least, ratio, verdict }) => {
    const isUnsure = ratio !== undefined && ratio.low < least && ratio.high >= least;
    const sureness = isUnsure ? "the rounds do not agree" : "";
    return [budget, `>= ${least.toFixed(2)}`, ratioText(ratio), verdict, sureness];
  });
  return table([["budget", "least", "measured", "", ""], ...rows]);
}

/** Writes a ratio with its spread. */
export function ratioText(ratio: Spread | undefined): string {
  if (ratio === undefined) return "-";
  const { median, low, high } = ratio;
  return `${median.toFixed(2)} (${low.toFixed(2)}-${high.toFixed(2)})`;
}

/** Sets rows in columns. The last cell of a row does not widen its column if others follow there. */
export function table(rows: readonly (readonly string[])[]): string {
  const columns = Math.max(...rows.map((row) => row.length));
  const widths = Array.from({ length: columns }, (_, i) => {
    const cells = rows.filter((row) => row.length === columns).map((row) => row[i]!.length);
    return Math.max(...cells, i < 2 ? Math.max(...rows.map((row) => row[i]?.length ?? 0)) : 0);
  });
  const isText = (i: number) => i < 2;
  return rows.map((row) =>
    row.map((cell, i) => {
      if (row.length < columns && i === row.length - 1) return cell;
      return isText(i) ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!);
    }).join("  ").trimEnd()
  ).join("\n");
}
