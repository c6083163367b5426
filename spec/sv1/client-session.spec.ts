import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import {
  BIP320_MASK,
  decodeSv1,
  sv1ClientSession,
  sv1ServerSession,
  type Sv1ClientOutcome,
  type Sv1Work,
} from '../../src/sv1/index.js';

const en1 = Uint8Array.of(0xaa, 0xbb);
const work: Sv1Work = {
  jobId: '1',
  prevHash: Uint8Array.from({ length: 32 }, (_, index) => index),
  coinbase1: Uint8Array.of(1),
  coinbase2: Uint8Array.of(2),
  merkleBranch: [new Uint8Array(32).fill(7)],
  version: 0x2000_0000,
  nbits: 0x1d00ffff,
  ntime: 1,
  cleanJobs: true,
  difficulty: 0.5,
  extranonce1: en1,
  extranonce2Size: 4,
  versionRollingAllowed: true,
};

/** A miner and a server that talk until neither has anything to say. */
function conversation() {
  const client = sv1ClientSession({ user: 'alice.rig', versionMask: BIP320_MASK });
  const server = sv1ServerSession();
  const outcomes: Sv1ClientOutcome[] = [];
  const shares: number[] = [];
  const toServer = (...messages: Parameters<typeof server.receive>[0][]): void => {
    for (const message of messages) {
      const output = server.receive(message);
      toClient(output);
      for (const outcome of output.outcomes) {
        if (outcome.type === 'Subscribing') toClient(server.grant(en1, 4));
        if (outcome.type === 'ShareSubmitted') {
          const { share } = outcome;
          shares.push(share.nonce);
          toClient(
            server.answer(share, share.nonce === 13 ? { code: 23, text: 'Low difficulty share' } : null),
          );
        }
      }
    }
  };
  const toClient = ({ messages }: ReturnType<typeof server.receive>): void => {
    for (const message of messages) {
      const output = client.receive(message);
      outcomes.push(...output.outcomes);
      toServer(...output.messages);
    }
  };
  return { client, server, outcomes, shares, toServer, toClient };
}

describe('a miner at a server', () => {
  it('is subscribed, authorised and given work that is all there', () => {
    const { client, server, outcomes, toServer, toClient } = conversation();
    toServer(...client.start());
    toClient(server.work(work));
    expect(outcomes).toEqual([
      { type: 'Subscribed', extranonce1: en1, extranonce2Size: 4 },
      { type: 'Authorized' },
      { type: 'DifficultyChanged', difficulty: 0.5 },
      { type: 'Work', work: work },
    ]);
  });

  it('learns what became of its shares', () => {
    const { client, server, outcomes, shares, toServer, toClient } = conversation();
    toServer(...client.start());
    toClient(server.work(work));
    for (const nonce of [12, 13, 14]) {
      toServer(
        client.submit({ jobId: '1', extranonce2: new Uint8Array(4), ntime: 1, nonce, versionBits: 0 }),
      );
    }
    expect(shares).toEqual([12, 13, 14]);
    expect(outcomes.slice(4)).toMatchObject([
      { type: 'ShareAccepted', share: { nonce: 12 } },
      { type: 'ShareRejected', share: { nonce: 13 }, error: { code: 23 } },
      { type: 'ShareAccepted', share: { nonce: 14 } },
    ]);
  });

  it('follows another extranonce and another mask', () => {
    const { client, server, outcomes, toServer, toClient } = conversation();
    toServer(...client.start());
    toClient(server.work(work));
    toClient(
      server.work({
        ...work,
        extranonce1: Uint8Array.of(9),
        extranonce2Size: 7,
        versionRollingAllowed: false,
      }),
    );
    expect(outcomes.at(-1)).toMatchObject({
      type: 'Work',
      work: { extranonce1: Uint8Array.of(9), extranonce2Size: 7, versionRollingAllowed: false },
    });
  });
});

describe('a miner at servers as there are', () => {
  /** What the outcomes are after the beginning and these lines. */
  const after = (...lines: readonly string[]): readonly Sv1ClientOutcome[] => {
    const client = sv1ClientSession({ user: 'u' });
    client.start();
    return lines.flatMap((line) => client.receive(decodeSv1(line)).outcomes);
  };
  const subscribed = '{"id":1,"result":[["mining.notify","x"],"aabb",4],"error":null}';
  const notify = (first: string) =>
    `{"id":null,"method":"mining.notify","params":[${first},"${'00'.repeat(32)}","01","02",[],"20000000","1d00ffff","00000001",false]}`;

  test.each<[string, string[], object[]]>([
    ['one subscription without a list', [subscribed], [{ type: 'Subscribed', extranonce2Size: 4 }]],
    [
      'a job without a difficulty: that is 1',
      [subscribed, notify('"j"')],
      [{ type: 'Subscribed' }, { type: 'Work', work: { difficulty: 1 } }],
    ],
    ['a job before an extranonce', [notify('"j"')], [{ type: 'Nonsense' }]],
    ['a job that is none', [subscribed, notify('null')], [{ type: 'Subscribed' }, { type: 'Nonsense' }]],
    [
      'a refusal',
      ['{"id":3,"result":null,"error":[24,"Unauthorized",null]}'],
      [{ type: 'Refused', request: 'mining.authorize', error: { code: 24 } }],
    ],
    [
      'false for a refusal',
      ['{"id":3,"result":false,"error":null}'],
      [{ type: 'Refused', request: 'mining.authorize' }],
    ],
    [
      'a difficulty of 0',
      ['{"id":null,"method":"mining.set_difficulty","params":[0]}'],
      [{ type: 'Nonsense' }],
    ],
    [
      'a way elsewhere',
      ['{"id":null,"method":"client.reconnect","params":["other","3333",5]}'],
      [{ type: 'ReconnectAsked', host: 'other', port: 3333, wait: 5 }],
    ],
    [
      'a way back',
      ['{"id":null,"method":"client.reconnect","params":[]}'],
      [{ type: 'ReconnectAsked', host: null, port: null, wait: 0 }],
    ],
    [
      'a text',
      ['{"id":null,"method":"client.show_message","params":["hi"]}'],
      [{ type: 'MessageShown', text: 'hi' }],
    ],
    ['an answer that is none', ['{"id":1,"result":7,"error":null}'], [{ type: 'Nonsense' }]],
    ['no JSON', ['{'], [{ type: 'Nonsense' }]],
  ])('takes %s', (_, lines, outcomes) => {
    expect(after(...lines)).toMatchObject(outcomes);
  });

  it('answers what servers ask', () => {
    const client = sv1ClientSession({ user: 'u', userAgent: 'me/1' });
    expect(client.receive(decodeSv1('{"id":8,"method":"client.get_version","params":[]}')).messages).toEqual([
      { type: 'answer', id: 8, result: 'me/1', error: null },
    ]);
    expect(client.receive(decodeSv1('{"id":9,"method":"mining.ping","params":[]}')).messages).toMatchObject([
      { id: 9, result: 'pong' },
    ]);
    expect(client.receive(decodeSv1('{"id":10,"method":"mining.dance","params":[]}')).messages).toMatchObject(
      [{ id: 10, error: { code: -32601 } }],
    );
  });

  it('gives up the oldest of more than 1,024 shares that nobody answers', () => {
    const client = sv1ClientSession({ user: 'u' });
    const ids = Array.from(
      { length: 1_025 },
      (_, nonce) =>
        client.submit({ jobId: 'j', extranonce2: new Uint8Array(4), ntime: 0, nonce, versionBits: null }).id,
    );
    const answer = (id: unknown) =>
      client.receive(decodeSv1(`{"id":${String(id)},"result":true,"error":null}`)).outcomes;
    expect(answer(ids[0])).toEqual([]);
    expect(answer(ids[1])).toMatchObject([{ type: 'ShareAccepted', share: { nonce: 1 } }]);
  });

  it('throws at nothing that a server says', () => {
    fc.assert(
      fc.property(fc.array(fc.oneof(fc.string(), fc.json({ maxDepth: 4 })), { maxLength: 10 }), (lines) => {
        expect(Array.isArray(after(...lines))).toBe(true);
      }),
      { seed: 5, numRuns: 200 },
    );
  });
});
