/**
 * What was measured, as tables of ratios.
 * @module
 */
import { ratioText, table } from "../_report.ts";
import { ratios, type Series, spread } from "../_stats.ts";
import { CONCURRENCIES, type Seen } from "./_measure.ts";

/** Writes the table of the servers or of the clients; ratios are to the first line. */
export function report(kind: string, all: readonly Seen[]): string {
  const [base] = all;
  const rows = all.map(({ line: { name, title }, rounds }) => {
    const cells = CONCURRENCIES.flatMap((_, i) => {
      const rates = seriesOf(rounds, i);
      return [
        spread(rates)?.median.toFixed(0) ?? "-",
        ratioText(spread(ratios(rates, seriesOf(base!.rounds, i)))),
      ];
    });
    return [name, title, ...cells];
  });
  const head = CONCURRENCIES.flatMap((concurrency) => [
    `calls/s, ${concurrency}`,
    `of ${base!.line.name}`,
  ]);
  return table([[kind, "", ...head], ...rows]);
}

/** Writes what Kit is of some other line. */
export function ratioLine(all: readonly Seen[], other: string): string {
  const find = (name: string) => all.find(({ line }) => line.name === name)!.rounds;
  const cells = CONCURRENCIES.map((concurrency, i) => {
    const ratio = spread(ratios(seriesOf(find("kit"), i), seriesOf(find(other), i)));
    return `${ratioText(ratio)} at ${concurrency}`;
  });
  return `kit / ${other}: ${cells.join(", ")}`;
}

function seriesOf(rounds: Seen["rounds"], i: number): Series {
  return rounds.map((rates) => rates[i]);
}
