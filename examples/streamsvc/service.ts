/**
 * The business: it knows nothing of requests, wires, logs or metrics.
 * @module
 */
import { type Clock, type Context, delay, KitError, systemClock } from "@kit/endpoint";

/** What a stock costs. */
export interface Quote {
  readonly symbol: string;
  readonly cents: number;
  /** Its number among all the quotes that the service has made. */
  readonly seq: number;
}

/** Which quotes are wanted. */
export interface Watch {
  readonly symbol: string;
  /** How long to wait between two, up to a minute; with 0 the reader alone sets the pace. */
  readonly everyMs?: number | undefined;
  /** How many there are to be; without it there is no end. */
  readonly count?: number | undefined;
}

/** Units to buy; to sell if negative. */
export interface Order {
  readonly symbol: string;
  readonly units: number;
}

/** What is held, and what all of it costs now. */
export interface Position {
  readonly symbol: string;
  readonly units: number;
  readonly cents: number;
}

/** Tells prices, and trades at them. */
export interface TickerService {
  /** Tells a price. */
  quote(symbol: string, ctx: Context): Promise<Quote>;
  /**
   * Tells a price again and again. Each quote is made when it is asked for: whoever reads slowly gets
   * fewer, and none that is old.
   */
  watch(watch: Watch, ctx: Context): Promise<AsyncIterable<Quote>>;
  /** Carries out orders, and tells after each what is held. Nobody can sell what is not held. */
  trade(orders: AsyncIterable<Order>, ctx: Context): Promise<AsyncIterable<Position>>;
}

/** What the stocks cost on the average, in cents. */
const PRICES: ReadonlyMap<string, number> = new Map([
  ["ACME", 10_000],
  ["GLOBEX", 2_500],
  ["INITECH", 1_299],
]);
const EVERY_MS = 1000;
const MAX_EVERY_MS = 60_000;
const MAX_UNITS = 1_000_000;

/** Gives the service. Prices rise and fall with the time of `clock`. */
export function tickerService(clock: Clock = systemClock): TickerService {
  let seq = 0;

  function centsOf(symbol: string): number {
    const average = PRICES.get(symbol);
    if (average === undefined) throw new KitError("not_found", "Unknown symbol");
    return average + Math.round(average * 0.05 * Math.sin(clock.now() / 5000 + average));
  }

  function quoteOf(symbol: string): Quote {
    return { symbol, cents: centsOf(symbol), seq: ++seq };
  }

  async function* quotes({ symbol, everyMs = EVERY_MS, count = Infinity }: Watch, ctx: Context) {
    for (let n = 0; n < count; n++) {
      if (n > 0 && everyMs > 0) await delay(everyMs, { clock, signal: ctx.signal });
      yield quoteOf(symbol);
    }
  }

  async function* positions(orders: AsyncIterable<Order>): AsyncIterable<Position> {
    const held = new Map<string, number>();
    for await (const { symbol, units: more } of orders) {
      const cents = centsOf(symbol);
      const units = (held.get(symbol) ?? 0) + more;
      checkUnits(more, units);
      held.set(symbol, units);
      yield { symbol, units, cents: units * cents };
    }
  }

  return {
    quote: (symbol) => Promise.try(quoteOf, symbol),
    watch: (watch, ctx) =>
      Promise.try(() => {
        checkWatch(watch);
        centsOf(watch.symbol); // so that what is not known is told before the stream begins
        return quotes(watch, ctx);
      }),
    trade: (orders) => Promise.resolve(positions(orders)),
  };
}

function checkWatch({ everyMs = 0, count = 0 }: Watch): void {
  if (!Number.isInteger(everyMs) || everyMs < 0 || everyMs > MAX_EVERY_MS) {
    throw new KitError("invalid_argument", `everyMs must be 0 to ${MAX_EVERY_MS}`);
  }
  if (!Number.isInteger(count) || count < 0) {
    throw new KitError("invalid_argument", "count must not be negative");
  }
}

function checkUnits(more: number, units: number): void {
  if (!Number.isInteger(more) || Math.abs(more) > MAX_UNITS || units > MAX_UNITS) {
    throw new KitError("out_of_range", `Nobody can hold more than ${MAX_UNITS} units`);
  }
  if (units < 0) throw new KitError("failed_precondition", "Nobody can sell what is not held");
}
