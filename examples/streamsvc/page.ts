/**
 * A page that reads and writes streams with what every browser has.
 * @module
 */

const HTML = `<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>Ticker</title>
<h1>Ticker</h1>
<p>
  <button id="watch">Watch</button> <button id="stop">Stop</button>
  <output id="quote">no quote yet</output>
</p>
<p>
  <button id="buy">Buy 10</button> <button id="sell">Sell 10</button>
  <output id="position">nothing held</output>
</p>
<script>
const $ = (id) => document.getElementById(id);
const show = (id, text) => $(id).textContent = text;
const money = (cents) => (cents / 100).toFixed(2);

// A server stream. It is closed at its end, as an EventSource would begin it anew.
let quotes;
$("watch").onclick = () => {
  quotes?.close();
  quotes = new EventSource("/watch?symbol=ACME&everyMs=200");
  quotes.onmessage = ({ data }) => {
    const { symbol, cents, seq } = JSON.parse(data);
    show("quote", symbol + " " + money(cents) + " (" + seq + ")");
  };
  quotes.addEventListener("end", () => quotes.close());
  quotes.addEventListener("error", ({ data }) => {
    quotes.close();
    show("quote", data ? JSON.parse(data).message : "Connection was lost");
  });
};
$("stop").onclick = () => quotes?.close();

// A stream both ways, opened with the first order.
let trade;
function order(units) {
  if (!trade || trade.readyState > WebSocket.OPEN) {
    trade = new WebSocket(location.origin.replace("http", "ws") + "/trade", "kit.stream");
    trade.onmessage = ({ data }) => {
      const { item, error } = JSON.parse(data);
      if (item) show("position", item.units + " " + item.symbol + " for " + money(item.cents));
      if (error) show("position", error.message);
    };
  }
  const send = () => trade.send(JSON.stringify({ item: { symbol: "ACME", units } }));
  if (trade.readyState === WebSocket.OPEN) send();
  else trade.addEventListener("open", send);
}
$("buy").onclick = () => order(10);
$("sell").onclick = () => order(-10);
</script>
`;

/** Answers with the page. */
export function page(): Response {
  return new Response(HTML, {
    headers: {
      "content-type": "text/html; charset=utf-8",
      "content-security-policy":
        "default-src 'none'; script-src 'unsafe-inline'; connect-src 'self'",
    },
  });
}
