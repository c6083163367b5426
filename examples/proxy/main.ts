/** A proxy whose miners share one channel of a pool: `miningProxy` knows the rules, two services have the connections. */
import { interval, map, merge, mergeMap } from 'rxjs';
import {
  CloseChannel,
  createClient,
  createServer,
  defineTrigger,
  handleEach,
  miningProxy,
  ofEvent,
  ofMessage,
  ofTrigger,
  OpenExtendedMiningChannel,
  OpenStandardMiningChannel,
  parseStratumUrl,
  send,
  sendToServer,
  siblings,
  SubmitSharesExtended,
  SubmitSharesStandard,
  toSibling,
  UpdateChannel,
  type ClientEvent,
  type Message,
  type MiningClientHandler,
  type MiningProxyOutcome,
  type MiningProxyOutput,
  type MiningServerHandler,
  type MiningToClient,
} from 'rx-sv2';
import { connect, listen } from 'rx-sv2/node';

/** What the client hands the server … */
const FromPool = defineTrigger('FromPool', (event: ClientEvent<MiningToClient>) => ({ event }));
/** … and what the server hands the client. */
const ToPool = defineTrigger('ToPool', (messages: readonly Message[]) => ({ messages }));

const pool: MiningClientHandler = (event$) =>
  merge(
    event$.pipe(
      ofEvent('connected', 'disconnected', 'message'),
      map((event) => toSibling(FromPool(event))),
    ),
    event$.pipe(
      ofTrigger(ToPool),
      map(({ messages }) => sendToServer(...messages)),
    ),
  );

const miners: MiningServerHandler<MiningProxyOutcome> = (event$) => {
  const rules = miningProxy({ mode: 'aggregate', sharesPerMinute: 60, shareBatchSize: 1 });

  const effects = ({ messages, toUpstreams, outcomes }: MiningProxyOutput) => [
    ...toUpstreams.map((to) => toSibling(ToPool(to.messages))),
    ...messages.map((to) => send(to.clientId, ...to.messages)),
    ...outcomes,
  ];
  const fromPool = (event: ClientEvent<MiningToClient>): MiningProxyOutput[] => {
    switch (event.type) {
      case 'connected':
        return [rules.addUpstream(0, { userIdentity: 'example.proxy' }, Date.now())];
      case 'disconnected':
        return [rules.removeUpstream(0, event.reason.message, Date.now())];
      case 'message':
        return [rules.handleUpstream(0, event.message, Date.now())];
      default:
        return [];
    }
  };
  return merge(
    event$.pipe(
      ofTrigger(FromPool),
      handleEach('mining', ({ event }) => fromPool(event).flatMap(effects)),
    ),
    event$.pipe(
      ofEvent('clientAdded'),
      handleEach('mining', ({ clientId, client }) => rules.addClient(clientId, client.flags)),
    ),
    event$.pipe(
      ofEvent('clientRemoved'),
      handleEach('mining', ({ clientId }) => effects(rules.removeClient(clientId, Date.now()))),
    ),
    event$.pipe(
      ofMessage(OpenStandardMiningChannel, OpenExtendedMiningChannel, UpdateChannel, CloseChannel),
      handleEach('mining', ({ clientId, message }) => effects(rules.handle(clientId, message, Date.now()))),
    ),
    event$.pipe(
      ofMessage(SubmitSharesStandard, SubmitSharesExtended),
      handleEach('mining', ({ clientId, message }) => effects(rules.handle(clientId, message, Date.now()))),
    ),
    interval(250).pipe(mergeMap(() => effects(rules.tick(Date.now())))),
  );
};

const [url = 'stratum2+tcp://127.0.0.1:34254', port = '34255'] = process.argv.slice(2);
const encrypted = parseStratumUrl(url).authorityPublicKey !== undefined;
const [serverSide, clientSide] = siblings();
const server = createServer({
  listen: listen({
    port: Number(port),
    listeningObserver: { next: ({ host, port: free }) => console.log(`listening on ${host}:${free}`) },
  }),
  mining: miners,
  sibling: serverSide,
});
const client = createClient({
  mining: { connect: connect(url, { encrypted }), handler: pool },
  sibling: clientSide,
  reconnect: {},
});

const subscription = merge(server.start(), client.start()).subscribe({
  next: (outcome) => {
    if (outcome.type === 'UpstreamChannelOpened') console.log(`the pool opened channel ${outcome.channelId}`);
    if (outcome.type === 'ChannelOpened')
      console.log(`${outcome.userIdentity} opened a ${outcome.kind} channel`);
    if (outcome.type === 'ShareForwarded') console.log(`${outcome.share.worker} found a share for the pool`);
    if (outcome.type === 'UpstreamAccepted') console.log(`the pool accepted ${outcome.shares.length}`);
    if (outcome.type === 'UpstreamRejected') console.log(`the pool rejected one: ${outcome.errorCode}`);
  },
  error: (error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  },
});
process.once('SIGINT', () => subscription.unsubscribe());
