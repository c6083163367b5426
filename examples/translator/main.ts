/** A translator: miners of Stratum V1 become clients of Stratum V2, and a proxy has them share a channel of a pool. */
import { filter, map, merge, Subject } from 'rxjs';
import { proxy, sv1Miners, type Sv1MinerEvent } from 'rx-sv2';
import { connect, listenSv1 } from 'rx-sv2/node';

const [url = 'stratum2+tcp://127.0.0.1:34254', port = '34255'] = process.argv.slice(2);

const miner$ = new Subject<Sv1MinerEvent>();
const listening$ = new Subject<string>();

const service = proxy({
  // Stratum V1 on this side …
  listen: listenSv1({
    port: Number(port),
    listeningObserver: { next: ({ host, port }) => listening$.next(`listening on ${host}:${port}`) },
  }).pipe(sv1Miners({ nominalHashRate: 100_000, observer: miner$ })),
  // … and Stratum V2 on that
  upstreams: [{ connect: connect(url, { encrypted: false }), userIdentity: 'example.translator' }],
  extranonceSize: 8,
});

const line$ = merge(
  listening$,
  miner$.pipe(
    map(({ outcome }) => {
      switch (outcome.type) {
        case 'Sv1Subscribed':
          return `a miner came: ${outcome.userAgent ?? 'it does not say what it is'}`;
        case 'Sv1Authorized':
          return `it mines for ${outcome.user}`;
        case 'Sv1ShareAccepted':
          return `${outcome.user} found a share`;
        case 'Sv1ShareRejected':
          return `${outcome.user} found none: ${outcome.reason}`;
        default:
          return undefined;
      }
    }),
  ),
  service.start().pipe(
    map((outcome) => {
      switch (outcome.type) {
        case 'UpstreamChannelOpened':
          return `the pool opened a channel for ${outcome.userIdentity}`;
        case 'UpstreamAccepted':
          return `the pool accepted ${outcome.shares.length}`;
        default:
          return undefined;
      }
    }),
  ),
).pipe(filter((line) => line !== undefined));

const running = line$.subscribe({
  next: (line) => console.log(line),
  error: (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
});
process.once('SIGINT', () => running.unsubscribe());
