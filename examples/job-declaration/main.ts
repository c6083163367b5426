/** Job declaration in one process: a pool with its declarator, and a client whose blocks have the transactions it wants. */
import { defer, filter, map, merge, mergeMap, ReplaySubject, Subject, take } from 'rxjs';
import { jdClient, jdServer, pool, simulatedSource, templateProvider, type BlockSource } from 'rx-sv2';
import { connect, listen, type ListenAddress } from 'rx-sv2/node';

const [port = '34265'] = process.argv.slice(2);

/** A port that is free, and what dials it once it is known. */
const place = () => {
  const address$ = new ReplaySubject<ListenAddress>(1);
  return {
    listen: listen({ port: 0, listeningObserver: address$ }),
    connect: defer(() =>
      address$.pipe(
        take(1),
        mergeMap((at) => connect({ ...at, encrypted: false })),
      ),
    ),
  };
};
const [atPool, atDeclarator, atProvider, atOwnProvider] = [place(), place(), place(), place()];

// One chain: a block takes 65,000 hashes. The pool's node has not heard of the last four transactions yet.
const chain = simulatedSource({ nbits: 0x1f00ffff, initialTransactions: 50 });
const poolsNode: BlockSource = {
  update$: chain.update$.pipe(
    map((update) => {
      if (update.type !== 'BlockTemplate') return update;
      const { transactions, coinbaseValue } = update;
      const fees = transactions.slice(-4).reduce((sum, { fee }) => sum + fee, 0n);
      return { ...update, transactions: transactions.slice(0, -4), coinbaseValue: coinbaseValue - fees };
    }),
  ),
  submit: (block) => chain.submit(block),
};

// The pool's side: its declarator looks at what is declared, and the pool asks it about every custom job …
const payoutScript = Uint8Array.of(0x51); // anybody can spend it: the chain is made up
const declarator = jdServer({
  listen: atDeclarator.listen,
  node: poolsNode,
  outputs: [{ value: 0n, scriptPubKey: payoutScript }],
});
const poolsSide = pool({
  listen: atPool.listen,
  templateProvider: atProvider.connect,
  payoutScript,
  sharesPerMinute: 60,
  shareBatchSize: 1,
  acceptCustomJob: declarator.acceptCustomJob,
  customBlockObserver: declarator.customBlockObserver,
});

// … and the miner's: a client between a template provider of one's own, the pool, and whoever mines.
const listening$ = new Subject<string>();
const client = jdClient({
  listen: listen({
    port: Number(port),
    listeningObserver: { next: (at) => listening$.next(`listening on ${at.host}:${at.port}`) },
  }),
  pairs: [{ pool: atPool.connect, declarator: atDeclarator.connect, userIdentity: 'example.chooser' }],
  templateProvider: atOwnProvider.connect,
  sharesPerMinute: 60,
  shareBatchSize: 1,
});

const line$ = merge(
  listening$,
  templateProvider({ listen: atProvider.listen, source: poolsNode }).start(),
  templateProvider({ listen: atOwnProvider.listen, source: chain }).start(),
  declarator.start(),
  poolsSide.start(),
  client.start().pipe(map((outcome) => (outcome.type === 'OwnWork' ? outcome.outcome : outcome))),
).pipe(
  map((outcome) => {
    if (typeof outcome === 'string') return outcome;
    switch (outcome.type) {
      case 'JobDeclared':
        return `declared: ${outcome.transactions} transactions, ${outcome.provided} of them new to the pool`;
      case 'OwnJobAccepted':
        return `the pool accepted job ${outcome.jobId}`;
      case 'UpstreamAccepted':
        return `the pool accepted ${outcome.shares.length} shares`;
      case 'BlockAccepted':
        return `block ${outcome.height} has the transactions that were chosen`;
      case 'OwnJobRefused':
      case 'PairFaulty':
        return JSON.stringify(outcome);
      default:
        return undefined;
    }
  }),
  filter((line) => line !== undefined),
);

const running = line$.subscribe({
  next: (line) => console.log(line),
  error: (error: unknown) => {
    console.error(error instanceof Error ? error.message : error);
    process.exitCode = 1;
  },
});
process.once('SIGINT', () => running.unsubscribe());
