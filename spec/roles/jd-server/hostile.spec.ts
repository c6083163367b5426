import { createConnection, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  filter,
  firstValueFrom,
  NEVER,
  of,
  ReplaySubject,
  startWith,
  Subject,
  type Subscription,
} from 'rxjs';
import { coinbaseTag, serialiseOutputs } from '../../../src/bitcoin/index.js';
import { decodeMessage, encodeFrames } from '../../../src/framing/index.js';
import {
  AllocateMiningJobToken,
  jobDeclarationSetupFlags,
  ProvideMissingTransactionsSuccess,
  PushSolution,
  type DeclareMiningJob,
  type DeclareMiningJobError,
  type Message,
} from '../../../src/messages/index.js';
import { listen, type ListenAddress } from '../../../src/node/listen.js';
import { jdServer, type JobDeclarationServerOptions } from '../../../src/roles/jd-server/jd-server.js';
import { plainChannel } from '../../../src/transport/frame-channel.js';
import { setupConnection } from '../../../src/testing/fixtures.js';
import { blockTemplate, clientJob, declaration, poolScript, templateOf } from '../../declaration/support.js';

const template = blockTemplate(12);
const job = clientJob(template);
const hidden = 4;

const subscriptions: Subscription[] = [];
const sockets: Socket[] = [];
afterEach(() => {
  subscriptions.splice(0).forEach((subscription) => subscription.unsubscribe());
  sockets.splice(0).forEach((socket) => socket.destroy());
});

type Outcome = { readonly type: string } & Readonly<Record<string, unknown>>;

/** A declaration server on a real port, whose node knows all but the last transactions of the template. */
const serverOf = async (options: Partial<JobDeclarationServerOptions> = {}) => {
  const address$ = new Subject<ListenAddress>();
  const listening = firstValueFrom(address$);
  const outcomes: Outcome[] = [];
  const server = jdServer({
    listen: listen({ host: '127.0.0.1', port: 0, listeningObserver: address$ }),
    node: {
      update$: NEVER.pipe(startWith(templateOf(template, template.transactions.length - hidden))),
      submit: () => of({ accepted: true } as const),
    },
    outputs: [{ value: 0n, scriptPubKey: poolScript }],
    ...options,
  });
  subscriptions.push(server.start().subscribe((outcome) => outcomes.push(outcome as unknown as Outcome)));
  const { port } = await listening;
  return {
    port,
    outcomes,
    server,
    only: (type: string) => outcomes.filter((outcome) => outcome.type === type),
  };
};

/** A client on bytes alone, from an address of its own. */
const peerOf = async (
  port: number,
  localAddress = '127.0.0.1',
  flags = jobDeclarationSetupFlags.declareTxData,
) => {
  const socket = createConnection({ host: '127.0.0.1', port, localAddress });
  sockets.push(socket);
  const message$ = new ReplaySubject<Message>(Infinity);
  const closed = new Promise<void>(
    (resolve) => void socket.once('close', () => resolve()).on('error', () => undefined),
  );
  const channel = plainChannel(0xffffff);
  socket.on('data', (chunk: Uint8Array) =>
    channel.open(chunk, (header, payload) => message$.next(decodeMessage(header, payload.slice()))),
  );
  const next = <T extends Message['type']>(
    type: T,
    isWanted: (message: Extract<Message, { type: T }>) => boolean = () => true,
  ) =>
    firstValueFrom(
      message$.pipe(
        filter(
          (message): message is Extract<Message, { type: T }> =>
            message.type === type && isWanted(message as never),
        ),
      ),
    );
  const send = (...messages: readonly Message[]) => void socket.write(encodeFrames(messages));
  send({ ...setupConnection('jobDeclaration'), flags });
  await next('SetupConnection.Success');
  const token = async (requestId: number): Promise<Uint8Array> => {
    send(AllocateMiningJobToken({ userIdentifier: 'alice.rig', requestId }));
    return (await next('AllocateMiningJobToken.Success', (message) => message.requestId === requestId))
      .miningJobToken;
  };
  return { send, next, token, closed, socket };
};

/** An honest client: what it declares is accepted, with the transactions that it provides. */
const honestly = async (port: number) => {
  const peer = await peerOf(port);
  let requestId = 0;
  return async () => {
    const id = (requestId += 2);
    const miningJobToken = await peer.token(id + 1);
    peer.send(declaration(job, miningJobToken, { requestId: id }));
    const answer = await Promise.race([
      peer.next('ProvideMissingTransactions', (message) => message.requestId === id),
      peer.next('DeclareMiningJob.Success', (message) => message.requestId === id),
    ]);
    if (answer.type === 'ProvideMissingTransactions') {
      const transactionList = answer.unknownTxPositionList.map(
        (position) => template.transactions[position]!.data,
      );
      peer.send(ProvideMissingTransactionsSuccess({ requestId: id, transactionList }));
    }
    return peer.next('DeclareMiningJob.Success', (message) => message.requestId === id);
  };
};

const { coinbaseTxPrefix, coinbaseTxSuffix } = job.coinbase.withWitness;

/** The prefix with another length of its scriptSig, whose place is behind version, marker, flag, count and outpoint. */
const withScriptSigSize = (size: number): Uint8Array => {
  const prefix = coinbaseTxPrefix.slice();
  prefix[4 + 2 + 1 + 36] = size;
  return prefix;
};

const hostile: readonly (readonly [string, Partial<Omit<DeclareMiningJob, 'type'>>, string, RegExp])[] = [
  [
    'a prefix of no bytes',
    { coinbaseTxPrefix: new Uint8Array() },
    'invalid-coinbase-tx',
    /coinbase_tx_prefix/,
  ],
  [
    'a prefix of 42 bytes',
    { coinbaseTxPrefix: coinbaseTxPrefix.slice(0, 42) },
    'invalid-coinbase-tx',
    /coinbase_tx_prefix/,
  ],
  [
    'a suffix of no bytes',
    { coinbaseTxSuffix: new Uint8Array() },
    'invalid-coinbase-tx',
    /prefix, extranonce and suffix/,
  ],
  [
    'a scriptSig shorter than what is there of it',
    { coinbaseTxPrefix: withScriptSigSize(3) },
    'invalid-coinbase-tx',
    /leaves 0 to 32 bytes/,
  ],
  [
    'a scriptSig that leaves 60 bytes to the extranonce',
    { coinbaseTxPrefix: withScriptSigSize(100) },
    'invalid-coinbase-tx',
    /leaves 0 to 32 bytes/,
  ],
  ['no outputs', { ...withOutputs(Uint8Array.of(0)) }, 'pool-payout-script-missing', /pool's script/],
  [
    'outputs of nobody that is known',
    { ...withOutputs(serialiseOutputs([{ value: 5_000_000_000n, scriptPubKey: coinbaseTag('', 'x') }])) },
    'pool-payout-script-missing',
    /pool's script/,
  ],
  [
    '65,535 transactions that nobody has',
    { wtxidList: manyIds(65_535) },
    'invalid-job',
    /at most 16666 transactions/,
  ],
  [
    'one transaction twice',
    { wtxidList: [job.transactions[0]!.wtxid, job.transactions[0]!.wtxid] },
    'invalid-job',
    /in the list twice/,
  ],
  [
    'a token of nobody',
    { miningJobToken: new Uint8Array(16) },
    'invalid-mining-job-token',
    /unknown or has expired/,
  ],
  [
    'a token of 255 bytes',
    { miningJobToken: new Uint8Array(255) },
    'invalid-mining-job-token',
    /unknown or has expired/,
  ],
];

/** The suffix with other outputs: they are behind the sequence, before witness and locktime. */
function withOutputs(outputs: Uint8Array): Pick<DeclareMiningJob, 'coinbaseTxSuffix'> {
  const own = serialiseOutputs(job.outputs);
  const suffix = Buffer.from(coinbaseTxSuffix);
  const at = suffix.indexOf(own);
  return {
    coinbaseTxSuffix: Buffer.concat([suffix.subarray(0, at), outputs, suffix.subarray(at + own.length)]),
  };
}

function manyIds(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, index) => {
    const id = new Uint8Array(32);
    new DataView(id.buffer).setUint32(0, index);
    return id;
  });
}

const reasonOf = ({ errorDetails }: DeclareMiningJobError): string => new TextDecoder().decode(errorDetails);

describe('a declaration server on a real socket', () => {
  it.each(hostile)('answers %s by name, and serves others meanwhile', async (_, fields, code, reason) => {
    const { port, only } = await serverOf();
    const declare = await honestly(port);
    const attacker = await peerOf(port, '127.0.0.2');
    const miningJobToken = await attacker.token(1);
    attacker.send(declaration(job, miningJobToken, { requestId: 9, ...fields }));
    const [refused] = await Promise.all([attacker.next('DeclareMiningJob.Error'), declare()]);
    expect(refused).toMatchObject({ requestId: 9, errorCode: code });
    expect(reasonOf(refused)).toMatch(reason);
    // it is told of, and did not cost the connection
    expect(only('DeclarationRefused')).toHaveLength(1);
    expect((await attacker.token(2)).length).toBe(16);
    await declare();
  });

  it('takes no transactions but those that it asked for', async () => {
    const { port, only } = await serverOf();
    const attacker = await peerOf(port, '127.0.0.2');
    const declared = async (requestId: number, transactionList: readonly Uint8Array[]) => {
      attacker.send(declaration(job, await attacker.token(requestId + 100), { requestId }));
      await attacker.next('ProvideMissingTransactions', (message) => message.requestId === requestId);
      attacker.send(ProvideMissingTransactionsSuccess({ requestId, transactionList: [...transactionList] }));
      return reasonOf(
        await attacker.next('DeclareMiningJob.Error', (message) => message.requestId === requestId),
      );
    };
    const asked = template.transactions.slice(-hidden).map(({ data }) => data);
    expect(await declared(1, asked.slice(1))).toMatch(/expected 4 transactions, got 3/);
    expect(await declared(2, asked.toReversed())).toMatch(/is another than the declared one/);
    expect(
      await declared(
        3,
        asked.map(() => Uint8Array.of(1, 2, 3)),
      ),
    ).toMatch(/is none/);
    expect(await declared(4, [...asked.slice(1), new Uint8Array(0)])).toMatch(/is another|is none/);
    // what nobody asked for is not looked at
    attacker.send(ProvideMissingTransactionsSuccess({ requestId: 77, transactionList: asked }));
    await attacker.token(300);
    expect(only('DeclarationIgnored')).toHaveLength(1);
    // nothing of it became known: the honest client is asked for all four
    const declare = await honestly(port);
    await declare();
    expect(only('TransactionsMissing').at(-1)).toMatchObject({ missing: hidden });
  });

  it('loses nobody for a flood of tokens, and the one who floods has their own dropped', async () => {
    const { port, only } = await serverOf();
    const honest = await peerOf(port);
    const kept = await honest.token(1);
    const attacker = await peerOf(port, '127.0.0.2');
    const flood = Array.from({ length: 2_000 }, (_, requestId) =>
      AllocateMiningJobToken({ userIdentifier: 'x', requestId }),
    );
    attacker.send(...flood);
    await Promise.race([
      attacker.closed,
      attacker.next('AllocateMiningJobToken.Success', ({ requestId }) => requestId === 1_999),
    ]);
    expect(only('TokenDropped').every(({ userIdentifier }) => userIdentifier === 'x')).toBe(true);
    expect(only('TokenDropped').length).toBeGreaterThan(0);
    honest.send(declaration(job, kept, { requestId: 4 }));
    expect((await honest.next('ProvideMissingTransactions')).unknownTxPositionList).toHaveLength(hidden);
  });

  it('disconnects who sends nothing but nonsense, and nobody else', async () => {
    const { port, only } = await serverOf({ nonsenseBurst: 20 });
    const declare = await honestly(port);
    const attacker = await peerOf(port, '127.0.0.2');
    const solution = PushSolution({
      extranonce: new Uint8Array(32),
      prevHash: new Uint8Array(32),
      nonce: 1,
      ntime: 1,
      nbits: 1,
      version: 1,
    });
    attacker.send(...Array.from({ length: 200 }, () => solution));
    await attacker.closed;
    await declare();
    expect(only('disconnected')).toHaveLength(1);
    expect(only('SolutionRefused').length).toBeLessThan(200);
  });
});
