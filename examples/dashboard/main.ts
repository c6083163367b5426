/** A dashboard of one's own: a pool's outcomes become states, and of those a table in the terminal, rates and alerts. */
import { combineLatest, map, merge, tap, throttleTime } from 'rxjs';
import { parsePayoutScript, parseStratumUrl, pool } from 'rx-sv2';
import { connect, listen } from 'rx-sv2/node';
import { alerts, poolState, topN, type HashRate, type WorkerState } from 'rx-sv2/observe';

const [url = 'stratum2+tcp://127.0.0.1:8442', port = '34254'] = process.argv.slice(2);
const hasKey = parseStratumUrl(url).authorityPublicKey !== undefined;

const outcome$ = pool({
  listen: listen({
    port: Number(port),
    listeningObserver: { next: (address) => console.log(`listening on ${address.host}:${address.port}`) },
  }),
  templateProvider: connect(url, { encrypted: hasKey }),
  payoutScript: parsePayoutScript('addr(bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080)').scriptPubKey,
  sharesPerMinute: 60,
}).start();

/** The pool as it is, at most once a second; whoever looks later sees the present. */
const state$ = outcome$.pipe(poolState());

const inMega = (hashesPerSecond: number): string => (hashesPerSecond / 1e6).toFixed(2);
const rate = ({ value, low, high }: HashRate): string =>
  `${inMega(value)} MH/s (${inMega(low)} to ${high === null ? '?' : inMega(high)})`;
const row = ({ user, worker, hashRate, shares }: WorkerState): string =>
  `  ${user}${worker && ` / ${worker}`}: ${rate(hashRate['5m'])}, shares: ${shares.accepted} accepted, ${shares.rejected} rejected`;

/** The ten connected workers with the highest hash rate. */
const best$ = state$.pipe(
  map(({ workers }) => workers.filter(({ isConnected }) => isConnected)),
  topN(10, ({ hashRate }) => hashRate['5m'].value),
);
const table$ = combineLatest([state$, best$]).pipe(
  throttleTime(2_000, undefined, { leading: true, trailing: true }),
  map(([{ clients, shares, hashRate, template, blocks }, best]) =>
    [
      `clients: ${clients.length}, shares: ${shares.accepted}, blocks: ${blocks.length}, ${rate(hashRate['1m'])}`,
      template === null ? '  no template yet' : `  the next block is worth ${template.value} satoshis`,
      ...best.map(row),
    ].join('\n'),
  ),
);
const alert$ = state$.pipe(
  alerts({ workerSilence: 60_000 }),
  map(({ type, message }) => `${type === 'AlertRaised' ? 'ALERT' : 'over'}: ${message}`),
);

const running = merge(table$, alert$)
  .pipe(tap((text) => console.log(text)))
  .subscribe({
    error: (error: Error) => {
      console.error(error.message);
      process.exitCode = 1;
    },
  });
process.once('SIGINT', () => running.unsubscribe());
