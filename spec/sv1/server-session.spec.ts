import { describe, expect, it, test } from '@jest/globals';
import fc from 'fast-check';
import {
  BIP320_MASK,
  decodeSv1,
  encodeSv1,
  leastDifficulty,
  sv1,
  sv1Methods,
  sv1ServerSession,
  type Sv1Message,
  type Sv1ServerSession,
  type Sv1ServerSessionOptions,
  type Sv1SessionOutput,
  type Sv1Work,
} from '../../src/sv1/index.js';
import { sv1MessageArbitrary } from '../../src/testing/sv1-arbitraries.js';

const en1 = Uint8Array.of(0xaa, 0xbb);

const work = (values: Partial<Sv1Work> = {}): Sv1Work => ({
  jobId: '1',
  prevHash: new Uint8Array(32),
  coinbase1: Uint8Array.of(1),
  coinbase2: Uint8Array.of(2),
  merkleBranch: [],
  version: 0x2000_0000,
  nbits: 0x1d00ffff,
  ntime: 1,
  cleanJobs: false,
  difficulty: 8,
  extranonce1: en1,
  extranonce2Size: 4,
  versionRollingAllowed: true,
  ...values,
});

/** The lines that go out, parsed. */
const lines = ({ messages }: Sv1SessionOutput) =>
  messages.map((message) => JSON.parse(encodeSv1(message)) as object);
const methodsOf = ({ messages }: Sv1SessionOutput) => messages.map(({ type }) => type);
const typesOf = ({ outcomes }: Sv1SessionOutput) => outcomes.map(({ type }) => type);

/** A session that is fed with lines. */
function session(options: Sv1ServerSessionOptions = {}) {
  const machine = sv1ServerSession(options);
  return { machine, say: (line: object) => machine.receive(decodeSv1(JSON.stringify(line))) };
}

const request = (id: unknown, method: string, ...params: readonly unknown[]) => ({ id, method, params });

/** A miner that is subscribed and authorised. */
function ready(options: Sv1ServerSessionOptions = {}, ...before: readonly object[]) {
  const it = session(options);
  before.forEach(it.say);
  it.say(request(1, 'mining.subscribe', 'test/1'));
  it.machine.grant(en1, 4);
  it.say(request(2, 'mining.authorize', 'alice.rig', 'x'));
  return it;
}

describe('the beginning of a conversation', () => {
  it('has a pipelined handshake answered in its order, once the extranonce is there', () => {
    const { machine, say } = session();
    const configured = say(
      request(1, 'mining.configure', ['version-rolling'], { 'version-rolling.mask': 'ffffffff' }),
    );
    expect(lines(configured)).toEqual([
      { id: 1, result: { 'version-rolling': true, 'version-rolling.mask': '1fffe000' }, error: null },
    ]);
    const subscribing = say(request(2, 'mining.subscribe', 'bitaxe/BM1370/v2.9'));
    expect(subscribing).toEqual({
      messages: [],
      outcomes: [{ type: 'Subscribing', userAgent: 'bitaxe/BM1370/v2.9', sessionId: null }],
    });
    expect(say(request(3, 'mining.authorize', 'alice.rig', 'x')).messages).toEqual([]);
    expect(machine.work(work()).messages).toEqual([]);
    const granted = machine.grant(en1, 4);
    expect(lines(granted).slice(0, 2)).toEqual([
      {
        id: 2,
        result: [
          [
            ['mining.set_difficulty', 'aabb'],
            ['mining.notify', 'aabb'],
          ],
          'aabb',
          4,
        ],
        error: null,
      },
      { id: 3, result: true, error: null },
    ]);
    expect(methodsOf(granted)).toEqual(['answer', 'answer', 'mining.set_difficulty', 'mining.notify']);
    expect(typesOf(granted)).toEqual(['Authorized']);
  });

  it('sends nothing before the answer to mining.subscribe, nor a job before a user', () => {
    const { machine, say } = session();
    say(request(1, 'mining.subscribe'));
    expect(machine.work(work()).messages).toEqual([]);
    expect(say(request(2, 'mining.suggest_difficulty', 5)).messages).toEqual([]);
    const granted = machine.grant(en1, 4);
    expect(lines(granted)[0]).toMatchObject({ id: 1 });
    expect(methodsOf(granted)).toEqual(['answer', 'answer']);
    const authorized = say(request(3, 'mining.authorize', 'u'));
    expect(methodsOf(authorized)).toEqual(['answer', 'mining.set_difficulty', 'mining.notify']);
  });

  it('takes mining.authorize first, and several of them', () => {
    const { machine, say } = session();
    expect(lines(say(request('a', 'mining.authorize', 'alice')))).toEqual([
      { id: 'a', result: true, error: null },
    ]);
    say(request(1, 'mining.subscribe'));
    machine.grant(en1, 4);
    expect(machine.isReady).toBe(true);
    expect(lines(say(request(2, 'mining.authorize', 'bob')))[0]).toMatchObject({ result: true });
    const submits = ['alice', 'bob'].map((user) =>
      say(request(3, 'mining.submit', user, '1', '00000000', '1', '1')),
    );
    expect(submits.flatMap(typesOf)).toEqual(['ShareSubmitted', 'ShareSubmitted']);
  });

  it('answers mining.subscribe again with the same extranonce', () => {
    const { say } = ready();
    expect(lines(say(request(9, 'mining.subscribe', 'again')))[0]).toMatchObject({
      id: 9,
      result: [expect.anything(), 'aabb', 4],
    });
  });

  it('answers what waited when mining.subscribe is refused, and takes another', () => {
    const { machine, say } = session();
    say(request(1, 'mining.subscribe'));
    say(request(2, 'mining.ping'));
    expect(lines(machine.refuse({ code: 20, text: 'No server' }))).toEqual([
      { id: 1, result: null, error: [20, 'No server', null] },
      { id: 2, result: 'pong', error: null },
    ]);
    expect(typesOf(say(request(3, 'mining.subscribe')))).toEqual(['Subscribing']);
  });

  it('has another mining.subscribe behind the first wait, too, and answers both', () => {
    const { machine, say } = session();
    say(request(1, 'mining.subscribe'));
    say(request(2, 'mining.subscribe'));
    expect(lines(machine.grant(en1, 4))).toMatchObject([{ id: 1 }, { id: 2 }]);
  });

  it('lets 64 requests wait and no more', () => {
    const { machine, say } = session();
    say(request(1, 'mining.subscribe'));
    for (let id = 0; id < 64; id++) expect(typesOf(say(request(id, 'mining.ping')))).toEqual([]);
    expect(typesOf(say(request(64, 'mining.ping')))).toEqual(['TooManyRequests']);
    expect(machine.grant(en1, 4).messages).toHaveLength(65);
  });

  it('takes known users only, if there are such', () => {
    const { say } = session({ isKnownUser: (user) => user === 'alice' });
    const unknown = say(request(1, 'mining.authorize', 'mallory', 'secret'));
    expect(lines(unknown)).toEqual([{ id: 1, result: null, error: [24, 'Unauthorized worker', null] }]);
    expect(unknown.outcomes).toEqual([{ type: 'Unauthorized', user: 'mallory' }]);
    expect(typesOf(say(request(2, 'mining.authorize', 'alice')))).toEqual(['Authorized']);
  });

  it('remembers 4,096 users and no more', () => {
    const { say } = session();
    for (let index = 0; index < 4_096; index++) say(request(index, 'mining.authorize', `u${index}`));
    expect(lines(say(request(1, 'mining.authorize', 'one more')))[0]).toMatchObject({
      error: [20, expect.anything(), null],
    });
    expect(lines(say(request(1, 'mining.authorize', 'u7')))[0]).toMatchObject({ result: true });
  });
});

describe('mining.configure', () => {
  test.each<[string, unknown[], object]>([
    [
      'a mask that is partly offered',
      [['version-rolling'], { 'version-rolling.mask': '00ffffff' }],
      { 'version-rolling': true, 'version-rolling.mask': '00ffe000' },
    ],
    [
      'a mask and a number of bits',
      [['version-rolling'], { 'version-rolling.mask': '1fffe000', 'version-rolling.min-bit-count': 2 }],
      { 'version-rolling': true, 'version-rolling.mask': '1fffe000' },
    ],
    [
      'a number of bits as text and no mask',
      [['version-rolling'], { 'version-rolling.min-bit-count': '2' }],
      { 'version-rolling': true, 'version-rolling.mask': '1fffe000' },
    ],
    [
      'no parameters at all',
      [['version-rolling']],
      { 'version-rolling': true, 'version-rolling.mask': '1fffe000' },
    ],
    [
      'a mask as a number',
      [['version-rolling'], { 'version-rolling.mask': 0x1fffe000 }],
      { 'version-rolling': true, 'version-rolling.mask': '1fffe000' },
    ],
    [
      'a mask of bits that nobody may roll',
      [['version-rolling'], { 'version-rolling.mask': 'e0000000' }],
      { 'version-rolling': false },
    ],
    [
      'a least difficulty that is a fraction',
      [['minimum-difficulty'], { 'minimum-difficulty.value': 0.5 }],
      { 'minimum-difficulty': true },
    ],
    [
      'a least difficulty that is none',
      [['minimum-difficulty'], { 'minimum-difficulty.value': 'many' }],
      { 'minimum-difficulty': false },
    ],
    ['what it says of itself', [['info'], { 'info.hw-version': 'S9' }], { info: true }],
    ['extranonces', [['subscribe-extranonce'], {}], { 'subscribe-extranonce': true }],
    ['what nobody knows', [['x', '__proto__'], {}], JSON.parse('{"x":false,"__proto__":false}') as object],
    ['nothing', [[], {}], {}],
  ])('answers %s with exactly what was asked (R2)', (_, params, result) => {
    const { say } = session();
    expect(JSON.stringify(lines(say(request(1, 'mining.configure', ...params)))[0])).toBe(
      JSON.stringify({ id: 1, result, error: null }),
    );
  });

  it('tells the least difficulty', () => {
    const { say } = session();
    const { outcomes } = say(
      request(1, 'mining.configure', ['minimum-difficulty'], { 'minimum-difficulty.value': 2048 }),
    );
    expect(outcomes).toEqual([{ type: 'LeastDifficulty', difficulty: 2048 }]);
  });

  it('changes the mask of a miner that asks again', () => {
    const { machine, say } = session();
    expect(machine.versionMask).toBeNull();
    say(request(1, 'mining.configure', ['version-rolling'], { 'version-rolling.mask': 'ffffffff' }));
    expect(machine.versionMask).toBe(BIP320_MASK);
    say(request(2, 'mining.configure', ['version-rolling'], { 'version-rolling.mask': '00006000' }));
    expect(machine.versionMask).toBe(0x6000);
  });
});

describe('difficulties that are asked for', () => {
  test.each<[string, object, object[]]>([
    [
      'a whole number',
      request(1, 'mining.suggest_difficulty', 1000),
      [{ type: 'DifficultySuggested', difficulty: 1000 }],
    ],
    [
      'a fraction',
      request(1, 'mining.suggest_difficulty', 0.00015),
      [{ type: 'DifficultySuggested', difficulty: 0.00015 }],
    ],
    [
      'text',
      request(1, 'mining.suggest_difficulty', '64'),
      [{ type: 'DifficultySuggested', difficulty: 64 }],
    ],
    [
      'next to nothing',
      request(1, 'mining.suggest_difficulty', 1e-30),
      [{ type: 'DifficultySuggested', difficulty: leastDifficulty }],
    ],
    [
      'a target',
      request(1, 'mining.suggest_target', `00000000ffff${'0'.repeat(52)}`),
      [{ type: 'DifficultySuggested', difficulty: 1 }],
    ],
    [
      'the password',
      request(1, 'mining.authorize', 'u', 'd=5000,x'),
      [
        { type: 'Authorized', user: 'u' },
        { type: 'LeastDifficulty', difficulty: 5000 },
      ],
    ],
    [
      'a fraction in the password',
      request(1, 'mining.authorize', 'u', 'x;diff=0.001'),
      [
        { type: 'Authorized', user: 'u' },
        { type: 'LeastDifficulty', difficulty: 0.001 },
      ],
    ],
    [
      'a password without',
      request(1, 'mining.authorize', 'u', 'd=,bad=7'),
      [{ type: 'Authorized', user: 'u' }],
    ],
  ])('come as %s', (_, line, outcomes) => {
    const output = session().say(line);
    expect(output.outcomes).toEqual(outcomes);
    expect(lines(output)).toEqual([{ id: 1, result: true, error: null }]);
  });

  test.each([0, -5, 'many'])('are refused when they are none: %s', (difficulty) => {
    const output = session().say(request(1, 'mining.suggest_difficulty', difficulty));
    expect(lines(output)[0]).toMatchObject({
      id: 1,
      result: null,
      error: [expect.any(Number), expect.any(String), null],
    });
    expect(typesOf(output)).toEqual(['Nonsense']);
  });

  it('are taken before mining.subscribe', () => {
    const { machine, say } = session();
    expect(typesOf(say(request(1, 'mining.suggest_difficulty', 7)))).toEqual(['DifficultySuggested']);
    say(request(2, 'mining.subscribe'));
    expect(lines(machine.grant(en1, 4))).toMatchObject([{ id: 2 }]);
  });
});

describe('work', () => {
  it('comes behind what has changed, and behind nothing that has not', () => {
    const { machine } = ready();
    expect(methodsOf(machine.work(work()))).toEqual(['mining.set_difficulty', 'mining.notify']);
    expect(methodsOf(machine.work(work({ jobId: '2' })))).toEqual(['mining.notify']);
    expect(lines(machine.work(work({ jobId: '3', difficulty: 0.25, cleanJobs: true })))).toMatchObject([
      { id: null, method: 'mining.set_difficulty', params: [0.25] },
      {
        id: null,
        method: 'mining.notify',
        params: ['3', expect.any(String), '01', '02', [], '20000000', '1d00ffff', '00000001', true],
      },
    ]);
  });

  it('is clean for a miner that has none yet, and only the last of what came before is sent', () => {
    const { machine, say } = session();
    say(request(1, 'mining.subscribe'));
    machine.grant(en1, 4);
    machine.work(work({ jobId: 'old' }));
    machine.work(work({ jobId: 'new' }));
    const { messages } = say(request(2, 'mining.authorize', 'u'));
    expect(messages.filter(sv1.Notify.match)).toMatchObject([{ jobId: 'new', cleanJobs: true }]);
  });

  it('has another extranonce for those who take it (R8)', () => {
    const { machine, say } = ready();
    say(request(3, 'mining.extranonce.subscribe'));
    const moved = machine.work(work({ extranonce1: Uint8Array.of(1, 2, 3), extranonce2Size: 5 }));
    expect(lines(moved)).toMatchObject([
      { method: 'mining.set_extranonce', params: ['010203', 5] },
      { method: 'mining.set_difficulty' },
      { method: 'mining.notify' },
    ]);
    expect(
      methodsOf(machine.work(work({ extranonce1: Uint8Array.of(1, 2, 3), extranonce2Size: 5 }))),
    ).toEqual(['mining.notify']);
  });

  it('strands those who do not, and says nothing to them (R8)', () => {
    const { machine } = ready();
    expect(machine.work(work({ extranonce2Size: 5 }))).toMatchObject({
      messages: [],
      outcomes: [{ type: 'Stranded' }],
    });
  });

  it('has a mask of 0 while its version may not be rolled', () => {
    const { machine } = ready({}, request(0, 'mining.configure', ['version-rolling'], {}));
    expect(methodsOf(machine.work(work({ versionRollingAllowed: true })))).not.toContain(
      'mining.set_version_mask',
    );
    expect(lines(machine.work(work({ versionRollingAllowed: false })))[0]).toMatchObject({
      method: 'mining.set_version_mask',
      params: ['00000000'],
    });
    expect(methodsOf(machine.work(work({ versionRollingAllowed: false })))).toEqual(['mining.notify']);
    expect(lines(machine.work(work({ versionRollingAllowed: true })))[0]).toMatchObject({
      params: ['1fffe000'],
    });
  });

  it('says nothing of masks to a miner that has not asked', () => {
    const { machine } = ready();
    expect(methodsOf(machine.work(work({ versionRollingAllowed: false })))).not.toContain(
      'mining.set_version_mask',
    );
  });
});

describe('shares', () => {
  const share = (user = 'alice.rig') =>
    request(7, 'mining.submit', user, '1', '00000000', '00000001', 'deadbeef');

  it('are for others to judge, and answered as they say', () => {
    const { machine, say } = ready();
    const { outcomes } = say(share());
    const [submitted] = outcomes;
    if (submitted?.type !== 'ShareSubmitted') throw new Error('expected a share');
    expect(submitted.share).toMatchObject({ jobId: '1', nonce: 0xdeadbeef, versionBits: null });
    expect(lines(machine.answer(submitted.share, null))).toEqual([{ id: 7, result: true, error: null }]);
    expect(lines(machine.answer(submitted.share, { code: 22, text: 'Duplicate share' }))).toEqual([
      { id: 7, result: false, error: [22, 'Duplicate share', null] },
    ]);
  });

  it('are refused before mining.subscribe, of a stranger, and in a form that there is not', () => {
    expect(lines(session().say(share()))[0]).toMatchObject({ id: 7, error: [25, 'Not subscribed', null] });
    expect(lines(ready().say(share('bob')))[0]).toMatchObject({
      id: 7,
      error: [24, 'Unauthorized worker', null],
    });
    expect(lines(ready().say(request(7, 'mining.submit', 'alice.rig', '1', '0', '1', '1')))[0]).toMatchObject(
      { id: 7, error: [20, expect.stringContaining('extranonce2'), null] },
    );
  });
});

describe('what does not matter is answered and does no harm', () => {
  test.each<[string, unknown]>([
    ['mining.get_transactions', null],
    ['mining.ping', 'pong'],
    ['mining.multi_version', false],
    ['mining.dance', null],
    ['client.get_version', null],
    ['mining.notify', null],
  ])('%s', (method, result) => {
    expect(lines(ready().say(request(4, method, 1)))[0]).toMatchObject({ id: 4, result });
  });

  it('lines that are no messages, with a null id', () => {
    const { machine } = ready();
    const output = machine.receive(decodeSv1('GET / HTTP/1.1'));
    expect(lines(output)).toEqual([{ id: null, result: null, error: [-32600, 'expected JSON', null] }]);
    expect(typesOf(output)).toEqual(['Nonsense']);
  });

  it('answers are not answered', () => {
    expect(ready().say({ id: 4, result: 'cgminer/4', error: null })).toEqual({ messages: [], outcomes: [] });
  });
});

it('answers every request of a random conversation exactly once, in order, and none before mining.subscribe is (R1)', () => {
  const fromClient = sv1Methods.filter(({ schema }) => schema.sentBy !== 'server');
  const message = fc.oneof(
    ...fromClient.map((method) => sv1MessageArbitrary(fc, method) as unknown as fc.Arbitrary<Sv1Message>),
  );
  const conversation = fc.array(fc.oneof(message, fc.constant('grant' as const)), { maxLength: 40 });
  fc.assert(
    fc.property(conversation, (inputs) => {
      const machine: Sv1ServerSession = sv1ServerSession();
      const asked: unknown[] = [];
      const answered: unknown[] = [];
      inputs.forEach((input, index) => {
        const output = input === 'grant' ? machine.grant(en1, 4) : machine.receive({ ...input, id: index });
        if (input !== 'grant') asked.push(index);
        const shares = output.outcomes.filter((outcome) => outcome.type === 'ShareSubmitted');
        answered.push(...output.messages.filter((sent) => sent.type === 'answer').map(({ id }) => id));
        answered.push(...shares.map(({ share }) => share.id));
      });
      const last = machine.grant(en1, 4);
      answered.push(...last.messages.filter((sent) => sent.type === 'answer').map(({ id }) => id));
      answered.push(
        ...last.outcomes.flatMap((outcome) => (outcome.type === 'ShareSubmitted' ? [outcome.share.id] : [])),
      );
      expect([...answered].sort()).toEqual([...asked].sort());
    }),
    { seed: 11, numRuns: 200 },
  );
});
