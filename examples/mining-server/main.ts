/** A mining server with one job for everybody: how a handler opens channels, gives work and judges shares. */
import { merge } from 'rxjs';
import {
  coinbaseTag,
  createServer,
  extranonceAllocator,
  handleEach,
  miningServer,
  NewTemplate,
  ofEvent,
  ofMessage,
  OpenExtendedMiningChannel,
  OpenStandardMiningChannel,
  scriptFromAddress,
  send,
  SetNewPrevHashTemplate,
  SubmitSharesExtended,
  SubmitSharesStandard,
  targetFromNbits,
  type MiningServerHandler,
  type MiningServerOutcome,
  type MiningServerOutput,
} from 'rx-sv2';
import { listen } from 'rx-sv2/node';

const { scriptPubKey } = scriptFromAddress('bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080');
const easiest = 0x207fffff;

/** What a template provider would send: an empty block on top of one that does not exist. */
const template = NewTemplate({
  templateId: 1n,
  futureTemplate: true,
  version: 0x20000000,
  coinbaseTxVersion: 2,
  coinbasePrefix: Uint8Array.of(0x51),
  coinbaseTxInputSequence: 0xffffffff,
  coinbaseTxValueRemaining: 5_000_000_000n,
  coinbaseTxOutputsCount: 0,
  coinbaseTxOutputs: new Uint8Array(0),
  coinbaseTxLocktime: 0,
  merklePath: [],
});
const tip = SetNewPrevHashTemplate({
  templateId: 1n,
  prevHash: new Uint8Array(32),
  headerTimestamp: Math.floor(Date.now() / 1_000),
  nBits: easiest,
  target: targetFromNbits(easiest),
});

/** `miningServer` knows the rules and does no I/O; the handler feeds it events and sends what it says. */
const mining: MiningServerHandler<MiningServerOutcome> = (event$) => {
  const rules = miningServer({
    extranonce: extranonceAllocator(),
    payoutOutputs: (value) => [{ value, scriptPubKey }],
    tag: coinbaseTag('example'),
    sharesPerMinute: 60,
    shareBatchSize: 1,
  });
  rules.newTemplate(template);
  rules.setNewPrevHash(tip, Date.now());

  const effects = ({ messages, outcomes }: MiningServerOutput) => [
    ...messages.map((to) => send(to.clientId, ...to.messages)),
    ...outcomes,
  ];
  return merge(
    event$.pipe(
      ofEvent('clientAdded'),
      handleEach('mining', ({ clientId, client }) => rules.addClient(clientId, client.flags)),
    ),
    event$.pipe(
      ofEvent('clientRemoved'),
      handleEach('mining', ({ clientId }) => effects(rules.removeClient(clientId))),
    ),
    event$.pipe(
      ofMessage(
        OpenStandardMiningChannel,
        OpenExtendedMiningChannel,
        SubmitSharesStandard,
        SubmitSharesExtended,
      ),
      handleEach('mining', ({ clientId, message }) => effects(rules.handle(clientId, message, Date.now()))),
    ),
  );
};

const server = createServer({
  listen: listen({
    port: Number(process.argv[2] ?? 34254),
    listeningObserver: {
      next: ({ host, port }) => console.log(`listening on ${host}:${port}, without encryption`),
    },
  }),
  mining,
});

const subscription = server.start().subscribe({
  next: (outcome) => {
    if (outcome.type === 'ChannelOpened')
      console.log(`${outcome.userIdentity} opened a ${outcome.kind} channel`);
    if (outcome.type === 'ShareAccepted') console.log(`${outcome.userIdentity} found a share`);
    if (outcome.type === 'ShareRejected') console.log(`share rejected: ${outcome.errorCode}`);
    if (outcome.type === 'disconnected')
      console.log(`client ${outcome.clientId} left: ${outcome.reason.message}`);
  },
  error: (error: Error) => {
    console.error(error.message);
    process.exitCode = 1;
  },
});
process.once('SIGINT', () => subscription.unsubscribe());
