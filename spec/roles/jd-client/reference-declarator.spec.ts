/** Our declaration client and a declarator that says what the reference's crate `parsers_sv2` has written, request ids apart. */
import { describe, expect, it, jest } from '@jest/globals';
import { delay, EMPTY, from, mergeMap, timer, type Observable } from 'rxjs';
import { sameBytes } from '../../../src/bitcoin/consensus-bytes.js';
import { decodeFrame } from '../../../src/framing/index.js';
import {
  AllocateMiningJobToken,
  DeclareMiningJob,
  ProvideMissingTransactionsSuccess,
  PushSolution,
  type Message,
} from '../../../src/messages/index.js';
import { jdClient } from '../../../src/roles/jd-client/jd-client.js';
import { simulatedSource } from '../../../src/roles/template-provider/simulated-source.js';
import { templateProvider } from '../../../src/roles/template-provider/template-provider.js';
import { createServer, ofMessage, send, type ServerEvent } from '../../../src/service/index.js';
import { memoryNetwork, type MemoryNetwork } from '../../../src/testing/memory.js';
import { hexToBytes, readVectors } from '../../vectors/support.js';
import { memoryMiner, memoryPool, only, seeded, virtually, type Logged } from '../support.js';

// the jitter of reconnections
jest.spyOn(Math, 'random').mockReturnValue(0.5);

const { messages: vectors } = readVectors<{
  readonly messages: readonly { readonly name: string; readonly case: string; readonly frame: unknown }[];
}>('messages');

/** A frame of the vectors that answers a request: the first field of its payload is the request's id. */
const framed = (name: string, which: string, requestId: number): Message => {
  const found = vectors.find((vector) => vector.name === name && vector.case === which);
  if (typeof found?.frame !== 'string') throw new Error(`no whole frame ${which} of ${name}`);
  const bytes = hexToBytes(found.frame);
  new DataView(bytes.buffer).setUint32(6, requestId, true);
  return decodeFrame(bytes);
};

/** Which case of the vectors answers what the client sends; nothing where there is none. */
interface Script {
  readonly token?: string;
  readonly declaration?: string;
  /** Milliseconds until a declaration is answered; at once unless given. */
  readonly declarationAfter?: number;
  readonly missing?: boolean;
  readonly error?: boolean;
}

const connectedTo = (network: MemoryNetwork, address: string, after = 0) =>
  timer(after).pipe(mergeMap(() => network.connect({ address, encrypted: false })));

/** Client and miner at a pool that takes the tokens of the declarator's answers, and what happens in 30 seconds. */
const play = ({
  token = 'typical',
  declaration = 'typical',
  declarationAfter = 0,
  missing = false,
  error = false,
}: Script = {}) => {
  const network = memoryNetwork();
  const tokens: Uint8Array[] = [];
  const said: Message[] = [];
  const declarator = (event$: Observable<ServerEvent>) =>
    event$.pipe(
      ofMessage(AllocateMiningJobToken, DeclareMiningJob, ProvideMissingTransactionsSuccess, PushSolution),
      mergeMap(({ clientId, message }) => {
        said.push(message);
        if (message.type === 'PushSolution') return EMPTY; // it has no answer
        const { requestId } = message;
        const answer = (name: string, which: string) => [send(clientId, framed(name, which, requestId))];
        if (message.type === 'AllocateMiningJobToken') return answer('AllocateMiningJobToken.Success', token);
        if (error) return answer('DeclareMiningJob.Error', 'typical');
        if (missing && message.type === 'DeclareMiningJob')
          return answer('ProvideMissingTransactions', 'typical');
        const success = answer('DeclareMiningJob.Success', declaration);
        return declarationAfter === 0 ? success : from(success).pipe(delay(declarationAfter));
      }),
    );
  const logs = virtually(30.123, () => {
    const source = simulatedSource({ nbits: 0x1d00ffff, initialTransactions: 600, transactionsPerSecond: 0 });
    const pool = memoryPool(network, {
      sharesPerMinute: 30,
      acceptCustomJob: ({ miningJobToken }) => {
        tokens.push(miningJobToken.slice());
        return null;
      },
    });
    const client = jdClient({
      listen: network.listen({ address: 'jdc' }),
      pairs: [
        {
          pool: connectedTo(network, 'pool'),
          declarator: connectedTo(network, 'jds', 3),
          userIdentity: 'farm',
        },
      ],
      templateProvider: [connectedTo(network, 'tp', 7)],
      soloScript: Uint8Array.of(0x52),
      sharesPerMinute: 30,
      randomBytes: seeded(5),
    });
    return {
      provider: templateProvider({ listen: network.listen({ address: 'tp' }), source }).start(),
      declarator: createServer({
        listen: network.listen({ address: 'jds' }),
        jobDeclaration: declarator,
      }).start(),
      pool: pool.start(),
      client: client.start(),
      miner: memoryMiner(network, { connect: connectedTo(network, 'jdc') }).start(),
    };
  });
  const own = (type: string) =>
    only(logs.client, 'OwnWork')
      .map(({ at, outcome }) => ({ ...(outcome as Logged & { readonly kept?: number }), at }))
      .filter((outcome) => outcome.type === type);
  const sent = <T extends Message['type']>(type: T) =>
    said.filter((message): message is Extract<Message, { readonly type: T }> => message.type === type);
  return { logs, own, sent, tokens };
};

describe("a declarator of the reference's", () => {
  it('has jobs declared with its tokens, which pay the outputs that came with them, and set with those of its answers', () => {
    const { logs, own, sent, tokens } = play();
    expect(own('PairFaulty')).toEqual([]);
    const [declared] = sent('DeclareMiningJob');
    expect(declared?.miningJobToken).toEqual(hexToBytes('cafe'));
    // OP_0 and the 20 bytes of the vector's output
    const script = hexToBytes('160014ebe1b7dcc293ccaa0ee743a86f89df8258c208fc');
    const suffix = declared!.coinbaseTxSuffix;
    expect(suffix.some((_, at) => sameBytes(suffix.subarray(at, at + script.length), script))).toBe(true);
    expect(tokens.length).toBeGreaterThan(0);
    for (const token of tokens) expect(token).toEqual(hexToBytes('beef'));
    expect(only(logs.pool, 'ShareAccepted').length).toBeGreaterThan(2);
  });

  it('is sent the transactions that it asks for, at its positions', () => {
    const { own, sent } = play({ missing: true });
    expect(own('PairFaulty')).toEqual([]);
    const [declared] = sent('DeclareMiningJob');
    expect(declared!.wtxidList.length).toBeGreaterThan(500);
    expect(sent('ProvideMissingTransactions.Success')[0]?.transactionList).toHaveLength(3);
    expect(own('TransactionsProvided')[0]).toMatchObject({ count: 3 });
    expect(own('OwnJobAccepted').length).toBeGreaterThan(0);
  });

  it('may answer with tokens of 255 bytes, and of none', () => {
    const long = play({ declaration: 'maximal' });
    expect(long.own('PairFaulty')).toEqual([]);
    expect(long.tokens[0]).toHaveLength(255);
    const none = play({ declaration: 'empty' });
    expect(none.own('PairFaulty')).toEqual([]);
    expect(none.tokens[0]).toHaveLength(0);
  });

  it('is left when it refuses a job for good, and miners are told nothing of it', () => {
    const { logs, own } = play({ error: true });
    expect(own('OwnJobRefused')[0]).toMatchObject({
      by: 'declarator',
      errorCode: 'invalid-job-param-value-coinbase_tx_version',
    });
    expect(own('PairFaulty')[0]).toMatchObject({ code: 'invalid-job-param-value-coinbase_tx_version' });
    expect(only(logs.client, 'UpstreamConnected').map(({ server }) => server)).toEqual(
      expect.arrayContaining([1]),
    );
    expect(only(logs.miner, 'disconnected')).toEqual([]);
  });

  it('may take ten seconds for a declaration: miners work meanwhile, and the pool is sent what they found after it', () => {
    const { logs, own } = play({ declarationAfter: 10_000 });
    const [started] = own('OwnJobStarted');
    const [accepted] = own('OwnJobAccepted');
    expect(accepted!.at - started!.at).toBeGreaterThanOrEqual(10);
    const found = only(logs.miner, 'ShareFound').filter(({ at }) => at < accepted!.at);
    expect(found.length).toBeGreaterThan(0);
    expect(accepted!.kept).toBe(found.length);
    const credited = only(logs.pool, 'ShareAccepted');
    expect(credited.filter(({ at }) => at < accepted!.at)).toEqual([]);
    expect(credited.length).toBeGreaterThanOrEqual(found.length);
    expect(only(logs.miner, 'ShareRejected')).toEqual([]);
  });

  it('is left when it does not answer a declaration within 20 seconds, which is said of it', () => {
    const { logs, own } = play({ declarationAfter: 100_000 });
    const [faulty] = own('PairFaulty');
    expect(faulty).toMatchObject({
      code: 'request-timeout',
      message: 'no answer to DeclareMiningJob within 20000 ms',
    });
    const waited = faulty!.at - own('OwnJobStarted')[0]!.at;
    expect(waited).toBeGreaterThanOrEqual(20);
    expect(waited).toBeLessThan(22);
    expect(own('OwnJobAccepted')).toEqual([]);
    expect(only(logs.miner, 'disconnected')).toEqual([]);
  });

  it('is left when its tokens have no outputs, by which the reference itself ends', () => {
    const { logs, own } = play({ token: 'empty' });
    expect(own('PairFaulty')[0]).toMatchObject({ code: 'invalid-pool-outputs' });
    expect(only(logs.miner, 'disconnected')).toEqual([]);
  });
});
