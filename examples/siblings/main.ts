/** Two services of one application that talk to each other: templates come in on one side, tips go out on the other. */
import { map, merge } from 'rxjs';
import {
  CoinbaseOutputConstraints,
  createClient,
  createServer,
  defineTrigger,
  ofEvent,
  ofMessage,
  ofTrigger,
  parseStratumUrl,
  sendToServer,
  SetNewPrevHashTemplate,
  siblings,
  toDisplayHex,
  toSibling,
  type MiningServerHandler,
  type TemplateDistributionClientHandler,
} from 'rx-sv2';
import { connect, listen } from 'rx-sv2/node';

/** What the client tells the server … */
const TipArrived = defineTrigger('TipArrived', (prevHash: string) => ({ prevHash }));
/** … and what the server tells the client. */
const ClientsChanged = defineTrigger('ClientsChanged', (change: 1 | -1) => ({ change }));

const templates: TemplateDistributionClientHandler<{ type: 'MinersCounted'; change: number }> = (event$) =>
  merge(
    event$.pipe(
      ofEvent('connected'),
      map(() =>
        sendToServer(
          CoinbaseOutputConstraints({
            coinbaseOutputMaxAdditionalSize: 100,
            coinbaseOutputMaxAdditionalSigops: 4,
          }),
        ),
      ),
    ),
    event$.pipe(
      ofMessage(SetNewPrevHashTemplate),
      map(({ message }) => toSibling(TipArrived(toDisplayHex(message.prevHash)))),
    ),
    event$.pipe(
      ofTrigger(ClientsChanged),
      map(({ change }) => ({ type: 'MinersCounted' as const, change })),
    ),
  );

const mining: MiningServerHandler<{ type: 'TipSeen'; prevHash: string }> = (event$) =>
  merge(
    event$.pipe(
      ofTrigger(TipArrived),
      map(({ prevHash }) => ({ type: 'TipSeen' as const, prevHash })),
    ),
    event$.pipe(
      ofEvent('clientAdded', 'clientRemoved'),
      map(({ type }) => toSibling(ClientsChanged(type === 'clientAdded' ? 1 : -1))),
    ),
  );

const [url = 'stratum2+tcp://127.0.0.1:8442', port = '34254'] = process.argv.slice(2);
const hasKey = (provider: string) => parseStratumUrl(provider).authorityPublicKey !== undefined;
const [serverSide, clientSide] = siblings();
const server = createServer({
  listen: listen({
    port: Number(port),
    listeningObserver: { next: (address) => console.log(`listening on ${address.host}:${address.port}`) },
  }),
  mining,
  sibling: serverSide,
});
const client = createClient({
  templateDistribution: { connect: connect(url, { encrypted: hasKey(url) }), handler: templates },
  sibling: clientSide,
});

const subscription = merge(server.start(), client.start()).subscribe({
  next: (outcome) => {
    if (outcome.type === 'TipSeen') console.log(`the mining server heard of tip ${outcome.prevHash}`);
    if (outcome.type === 'MinersCounted') console.log(`the template client heard of ${outcome.change} miner`);
  },
  error: (error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  },
});
process.once('SIGINT', () => subscription.unsubscribe());
