/** A CPU miner, and what a dashboard would do with its outcomes: count, average, show. */
import { asyncScheduler, filter, map, of, scan, type Observable } from 'rxjs';
import { cooperativeHasher, miner, parseStratumUrl, type ClientOutcome, type MinerOutcome } from 'rx-sv2';
import { connect } from 'rx-sv2/node';

/** Shares found and accepted so far, and the last hash rate measured. */
interface Summary {
  readonly found: number;
  readonly accepted: number;
  readonly hashesPerSecond: number;
}

/** A dashboard is an operator: from outcomes to what is shown. */
const summarise = (outcome$: Observable<ClientOutcome<MinerOutcome>>): Observable<Summary> =>
  outcome$.pipe(
    scan(
      (summary, outcome): Summary => {
        switch (outcome.type) {
          case 'ShareFound':
            return { ...summary, found: summary.found + 1 };
          case 'SharesAccepted':
            return { ...summary, accepted: summary.accepted + outcome.count };
          case 'HashRate':
            return { ...summary, hashesPerSecond: outcome.hashesPerSecond };
          default:
            return summary;
        }
      },
      { found: 0, accepted: 0, hashesPerSecond: 0 },
    ),
  );

const url = process.argv[2] ?? 'stratum2+tcp://127.0.0.1:34254';
const hasKey = (pool: string) => parseStratumUrl(pool).authorityPublicKey !== undefined;
const cpuMiner = miner({
  connect: connect(url, { encrypted: hasKey(url) }),
  userIdentity: 'example.cpu',
  channels: { standard: 1 },
  nominalHashRate: 1_000_000,
  hasher$: of(cooperativeHasher(asyncScheduler)),
});

const subscription = cpuMiner
  .start()
  .pipe(
    summarise,
    filter(({ found }, index) => found > 0 && index % 5 === 0),
    map(
      ({ found, accepted, hashesPerSecond }) =>
        `${found} shares found, ${accepted} accepted, ${Math.round(hashesPerSecond / 1_000)} kH/s`,
    ),
  )
  .subscribe({
    next: (line) => console.log(line),
    error: (error: Error) => {
      console.error(error.message);
      process.exitCode = 1;
    },
  });
process.once('SIGINT', () => subscription.unsubscribe());
