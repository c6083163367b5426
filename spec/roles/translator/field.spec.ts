/** What miners of Stratum V1 do in the field, and what breaks them, one behaviour each. */
import { describe, expect, it, test } from '@jest/globals';
import { difficultyFromTarget, targetFromDifficulty } from '../../../src/bitcoin/target.js';
import type {
  OpenExtendedMiningChannel,
  SubmitSharesExtended,
  UpdateChannel,
} from '../../../src/messages/index.js';
import { Reconnect } from '../../../src/messages/index.js';
import { userIdentityOf } from '../../../src/messages/user-identity.js';
import { NOW, NTIME, prevHashFor, template } from '../../mining/support.js';
import { minerAt, nonceFor, read, working, type Job, type Line } from './support.js';

const methods = (lines: readonly Line[]) =>
  lines.map((line) => line['method'] ?? `answer ${String(line['id'])}`);
const errorOf = ([line]: readonly Line[]) => (line?.['error'] as readonly unknown[] | null)?.[0] ?? null;
const zeros = '00000000';

const openOf = ({ toServer }: { readonly toServer: readonly { readonly type: string }[] }) =>
  toServer.find(({ type }) => type === 'OpenExtendedMiningChannel') as OpenExtendedMiningChannel;
const sharesOf = ({ toServer }: { readonly toServer: readonly { readonly type: string }[] }) =>
  toServer.filter(({ type }) => type === 'SubmitSharesExtended') as SubmitSharesExtended[];

describe('shares', () => {
  it('are true when the server takes them: version, previous hash, merkle branch and byte orders are all right', () => {
    const miner = working();
    const nonce = nonceFor(miner.job, miner.extranonce1, { extranonce2: '0badcafe' }, miner.difficulty);
    const answer = miner.ask(3, 'mining.submit', 'alice.rig1', miner.job[0], '0badcafe', miner.job[7], nonce);
    expect(answer).toEqual([{ id: 3, result: true, error: null }]);
    const [share] = sharesOf(miner);
    expect(share?.extranonce.slice(-8)).toEqual(
      Uint8Array.of(0xe1, 0xe2, 0xe3, 0xe4, 0x0b, 0xad, 0xca, 0xfe),
    );
    expect(share === undefined ? '' : userIdentityOf(share)).toBe('rig1');
    expect(miner.outcomes.filter(({ type }) => type === 'Sv1ShareLost')).toEqual([]);
    const [, channel] = [...miner.core.channels()][0] ?? [];
    expect(channel?.shares.totals().accepted).toBe(1);
  });

  it('that come again are duplicates, and nothing of them goes on (R4)', () => {
    const miner = working();
    const nonce = nonceFor(miner.job, miner.extranonce1, { extranonce2: zeros }, miner.difficulty);
    const submit = () =>
      miner.ask(3, 'mining.submit', 'alice.rig1', miner.job[0], zeros, miner.job[7], nonce);
    expect(submit()[0]).toMatchObject({ result: true });
    expect(submit()[0]).toMatchObject({ result: false, error: [22, 'Duplicate share', null] });
    expect(sharesOf(miner)).toHaveLength(1);
  });

  it('of the block before are stale, those of a job from before a reconnect are unknown: both 21', () => {
    const miner = working();
    const nonce = nonceFor(miner.job, miner.extranonce1, { extranonce2: zeros }, miner.difficulty);
    const { job } = read(miner.nextBlock(2));
    expect(job[8]).toBe(true);
    expect(
      errorOf(miner.ask(3, 'mining.submit', 'alice.rig1', miner.job[0], zeros, miner.job[7], nonce)),
    ).toBe(21);
    expect(errorOf(miner.ask(4, 'mining.submit', 'alice.rig1', '77', zeros, miner.job[7], nonce))).toBe(21);
    expect(miner.ended()).toBeUndefined();
  });

  it('that are too easy are 23', () => {
    const miner = working({}, { minHashrate: 1_000_000 });
    const nonce = nonceFor(
      miner.job,
      miner.extranonce1,
      { extranonce2: zeros },
      miner.difficulty / 64,
      miner.difficulty / 2,
    );
    expect(
      errorOf(miner.ask(3, 'mining.submit', 'alice.rig1', miner.job[0], zeros, miner.job[7], nonce)),
    ).toBe(23);
    expect(sharesOf(miner)).toEqual([]);
  });

  it('of another user of the same account count, those of a stranger do not', () => {
    const miner = working();
    miner.ask(3, 'mining.authorize', 'alice.rig2', 'x');
    expect(errorOf(miner.ask(4, 'mining.authorize', 'mallory', 'x'))).toBe(24);
    const submit = (user: string, extranonce2: string) => {
      const nonce = nonceFor(miner.job, miner.extranonce1, { extranonce2 }, miner.difficulty);
      return miner.ask(5, 'mining.submit', user, miner.job[0], extranonce2, miner.job[7], nonce);
    };
    expect(submit('alice.rig2', '00000001')[0]).toMatchObject({ result: true });
    expect(errorOf(submit('mallory', '00000002'))).toBe(24);
    expect(sharesOf(miner).map((share) => userIdentityOf(share))).toEqual(['rig2']);
  });

  test.each([
    ['too short', '0000', 20],
    ['too long', '0000000000', 20],
    ['odd', '0000000', 20],
    ['in upper case', 'ABCDEF00', null],
  ])('with an extranonce2 that is %s: error %s, and no disconnection', (_, extranonce2, code) => {
    const miner = working();
    const nonce =
      code === null ? nonceFor(miner.job, miner.extranonce1, { extranonce2 }, miner.difficulty) : '00000000';
    expect(
      errorOf(miner.ask(3, 'mining.submit', 'alice.rig1', miner.job[0], extranonce2, miner.job[7], nonce)),
    ).toBe(code);
    expect(miner.ended()).toBeUndefined();
  });

  test.each([
    ['7,200 seconds ahead', NTIME + 7_200, null],
    ['further ahead', NTIME + 7_201, 20],
    ['before the least', NTIME - 1, 20],
  ])('with an ntime %s', (_, seconds, code) => {
    const miner = working();
    const ntime = seconds.toString(16);
    const nonce =
      code === null
        ? nonceFor(miner.job, miner.extranonce1, { extranonce2: zeros, ntime }, miner.difficulty)
        : zeros;
    expect(errorOf(miner.ask(3, 'mining.submit', 'alice.rig1', miner.job[0], zeros, ntime, nonce))).toBe(
      code,
    );
  });

  test.each([
    ['inside of the mask', '00c00000', null],
    ['left out', undefined, null],
    ['zero', '00000000', null],
    ['outside of the mask', '20000000', 20],
  ])('with version bits %s, from a miner that negotiated them', (_, versionBits, code) => {
    const miner = minerAt();
    miner.ask(0, 'mining.configure', ['version-rolling'], { 'version-rolling.mask': 'ffffffff' });
    miner.ask(1, 'mining.subscribe', 'bitaxe/BM1370');
    const { job, difficulty } = read(miner.ask(2, 'mining.authorize', 'alice.rig1', 'x'));
    const rolled = { extranonce2: zeros, ...(versionBits === undefined ? {} : { versionBits }) };
    const nonce = code === null ? nonceFor(job, 'e1e2e3e4', rolled, difficulty) : zeros;
    const bits = versionBits === undefined ? [] : [versionBits];
    expect(errorOf(miner.ask(3, 'mining.submit', 'alice.rig1', job[0], zeros, job[7], nonce, ...bits))).toBe(
      code,
    );
    expect(miner.ended()).toBeUndefined();
  });

  it('with version bits from a miner that has not negotiated any are refused, if they are any', () => {
    const miner = working();
    expect(
      errorOf(
        miner.ask(3, 'mining.submit', 'alice.rig1', miner.job[0], zeros, miner.job[7], zeros, '00c00000'),
      ),
    ).toBe(20);
  });

  it('are judged by the difficulty of their own job, whatever it is for jobs to come (R5)', () => {
    const miner = working();
    const [clientId, channel] = [...miner.core.channels()][0] ?? [1, undefined];
    const easier = miner.difficulty;
    miner.fromServer(
      miner.core.setTarget(clientId, channel?.channelId ?? 0, targetFromDifficulty(8 * easier)),
    );
    const harder = read(miner.fromServer(miner.core.renewJobs(NOW)));
    expect(harder.difficulty).toBeCloseTo(8 * easier, 10);
    miner.later(1);
    const submit = (job: typeof harder.job, extranonce2: string) => {
      const nonce = nonceFor(job, miner.extranonce1, { extranonce2 }, easier, 8 * easier);
      return miner.ask(3, 'mining.submit', 'alice.rig1', job[0], extranonce2, job[7], nonce);
    };
    expect(submit(miner.job, '00000001')[0]).toMatchObject({ result: true });
    expect(errorOf(submit(harder.job, '00000002'))).toBe(23);
  });
});

describe('jobs', () => {
  it('have ids of eight hex digits at most, of which none comes again, and are clean at a new block alone', () => {
    const miner = working();
    const jobs = [miner.job];
    for (let block = 2; block < 20; block++) {
      jobs.push(read(miner.nextBlock(block)).job, read(miner.fromServer(miner.core.renewJobs(NOW))).job);
      miner.later(61);
      jobs.push(read(miner.keepAlive()).job);
    }
    const present = jobs.filter((job) => job !== undefined);
    for (const [id] of present) expect(id).toMatch(/^[0-9a-f]{1,8}$/);
    expect(new Set(present.map(([id]) => id)).size).toBe(present.length);
    expect(present.filter((job) => job[8])).toHaveLength(19);
  });

  it('come again with a later time to keep a miner that hears nothing, and shares for both count (R10)', () => {
    const miner = working();
    miner.later(60);
    const { job } = read(miner.keepAlive());
    expect(job[8]).toBe(false);
    expect(parseInt(job[7], 16) - parseInt(miner.job[7], 16)).toBe(60);
    for (const [index, told] of [miner.job, job].entries()) {
      const nonce = nonceFor(told, miner.extranonce1, { extranonce2: zeros }, miner.difficulty);
      expect(
        miner.ask(index, 'mining.submit', 'alice.rig1', told[0], zeros, told[7], nonce)[0],
      ).toMatchObject({ result: true });
    }
    expect(new Set(sharesOf(miner).map(({ jobId }) => jobId)).size).toBe(1);
  });

  it('go on with the same extranonce when the server gives the channel another prefix (R8)', () => {
    const miner = working();
    const [clientId, channel] = [...miner.core.channels()][0] ?? [1, undefined];
    expect(miner.fromServer(miner.core.setExtranoncePrefix(clientId, channel?.channelId ?? 0))).toEqual([]);
    const lines = miner.nextBlock(2);
    expect(methods(lines)).toEqual(['mining.notify']);
    const { job } = read(lines);
    const nonce = nonceFor(job, miner.extranonce1, { extranonce2: zeros }, miner.difficulty);
    expect(miner.ask(3, 'mining.submit', 'alice.rig1', job[0], zeros, job[7], nonce)[0]).toMatchObject({
      result: true,
    });
    expect(miner.outcomes.filter(({ type }) => type === 'Sv1ShareLost')).toEqual([]);
  });

  it('have a difficulty that is never harder than the target, in six digits (R5)', () => {
    for (const hashRate of [10, 333, 70_000, 1e9, 3.3e14]) {
      const miner = working({ nominalHashRate: hashRate }, { minHashrate: 1 });
      const [, channel] = [...miner.core.channels()][0] ?? [];
      const exact = difficultyFromTarget(channel?.target ?? new Uint8Array(32));
      expect(miner.difficulty).toBeLessThanOrEqual(exact);
      expect(miner.difficulty).toBeGreaterThan(exact * (1 - 2e-5));
      expect(Number(miner.difficulty.toPrecision(6))).toBe(miner.difficulty);
    }
  });
});

describe('channels', () => {
  it('are opened for whoever is authorised, in either order, and for nobody who only knocks (R12)', () => {
    const first = minerAt();
    first.ask(1, 'mining.subscribe', 'x');
    expect(first.toServer).toEqual([]);
    first.ask(2, 'mining.authorize', 'alice', 'x');
    expect(openOf(first)).toMatchObject({ userIdentity: 'alice', minExtranonceSize: 8 });

    const second = minerAt();
    second.ask(2, 'mining.authorize', 'alice', 'x');
    expect(second.toServer).toEqual([]);
    expect(methods(second.ask(1, 'mining.subscribe', 'x'))).toEqual([
      'answer 1',
      'mining.set_difficulty',
      'mining.notify',
    ]);
  });

  it('of unknown users are refused before there is one', () => {
    const miner = minerAt({ isKnownUser: (user) => user.startsWith('alice') });
    miner.ask(1, 'mining.subscribe', 'x');
    expect(errorOf(miner.ask(2, 'mining.authorize', 'mallory', 'x'))).toBe(24);
    expect(miner.toServer).toEqual([]);
  });

  it('that are refused or closed end the connection, with the reason', () => {
    const refused = minerAt({}, { isKnownUser: () => false });
    refused.ask(1, 'mining.subscribe', 'x');
    refused.ask(2, 'mining.authorize', 'alice', 'x');
    expect(refused.ended()).toMatchObject({
      code: 'channel-refused',
      reason: expect.stringContaining('unknown-user'),
    });
    const closed = working();
    const [clientId, channel] = [...closed.core.channels()][0] ?? [1, undefined];
    closed.fromServer(closed.core.closeChannel(clientId, channel?.channelId ?? 0, 'bye'));
    expect(closed.ended()).toMatchObject({ code: 'channel-closed', reason: expect.stringContaining('bye') });
  });

  test.each<[string, unknown[], string, number, number]>([
    ['nothing', [], 'x', 0, 1_000],
    ['a difficulty', [['mining.suggest_difficulty', 2]], 'x', 0, 2 * 2 ** 32],
    ['a fraction', [['mining.suggest_difficulty', 0.00015]], 'x', 0, 0.00015 * 2 ** 32],
    ['a password', [], 'd=4,x', 4, 4 * 2 ** 32],
    [
      'the least difficulty of BIP 310',
      [['mining.configure', ['minimum-difficulty'], { 'minimum-difficulty.value': 16 }]],
      'x',
      16,
      16 * 2 ** 32,
    ],
  ])('are asked for as a miner wishes by %s (R6)', (_, before, password, least, hashRate) => {
    const miner = minerAt();
    before.forEach((request, index) => miner.ask(index, ...(request as [string, ...unknown[]])));
    miner.ask(8, 'mining.subscribe', 'x');
    miner.ask(9, 'mining.authorize', 'alice', password);
    const { nominalHashRate, maxTarget } = openOf(miner);
    // 60 shares a minute: one each second
    expect(nominalHashRate / hashRate).toBeCloseTo(1, 3);
    if (least > 0) expect(difficultyFromTarget(maxTarget)).toBeCloseTo(least, 6);
    else expect(maxTarget).toEqual(new Uint8Array(32).fill(0xff));
  });

  it('are told of another wish once, however often it is said', () => {
    const miner = working();
    const updates = () => miner.toServer.filter(({ type }) => type === 'UpdateChannel') as UpdateChannel[];
    for (let id = 0; id < 5; id++) miner.ask(id, 'mining.suggest_difficulty', 0.00015);
    expect(updates()).toHaveLength(1);
    expect((updates()[0]?.nominalHashRate ?? 0) / (0.00015 * 2 ** 32)).toBeCloseTo(1, 3);
    miner.ask(9, 'mining.authorize', 'alice.rig1', 'd=1e-3');
    expect(updates()).toHaveLength(2);
    expect(difficultyFromTarget(updates()[1]?.maximumTarget ?? new Uint8Array(32))).toBeCloseTo(0.001, 9);
  });
});

describe('firmware', () => {
  /** What of the handshake's answers matters. */
  const subscribedAs = (userAgent: string | null) => {
    const miner = minerAt();
    const [answer] = miner.ask(1, 'mining.subscribe', ...(userAgent === null ? [] : [userAgent]));
    miner.ask(2, 'mining.authorize', 'alice.rig1', 'x');
    const [, extranonce1, size] = answer?.['result'] as [unknown, string, number];
    return { extranonce1, size, least: difficultyFromTarget(openOf(miner).maxTarget) };
  };

  test.each<[string, string | null, number, number]>([
    ['Bitaxe', 'bitaxe/BM1370/v2.9.0', 4, 0],
    ['Whatsminer', 'whatsminer/v1.1', 4, 0],
    ['NiceHash', 'NiceHash/1.0.0', 8, 524_288],
    ['MiningRigRentals', 'MiningRigRentals/1', 8, 1_000_000],
    ["a rental marketplace's probe that says nothing of itself", null, 8, 0],
    ['a proxy with miners of its own', 'stratum-proxy/1.2', 8, 0],
  ])('%s rolls %s bytes, above a least difficulty (R7)', (_, userAgent, size, least) => {
    const subscribed = subscribedAs(userAgent);
    expect(subscribed.size).toBe(size);
    expect(subscribed.extranonce1).toBe('e1e2e3e4');
    expect(subscribed.least >= least * (1 - 1e-9)).toBe(true);
  });

  it('of Whatsminers has eight bytes at most, whatever is configured (R7)', () => {
    const miner = minerAt({ extranonce2Size: 12 });
    const [answer] = miner.ask(1, 'mining.subscribe', 'whatsminer/v1.1');
    expect((answer?.['result'] as unknown[])[2]).toBe(8);
  });

  test.each<[string, number]>([
    ['NiceHash/1.0.0', 500],
    ['Antminer S9/1.0', 750],
    ['Antminer S19 Pro/Mon Jul 4', 750],
    ['Antminer S21 Pro/1.0', 750],
    ['bmminer/2.0.0', 750],
    ['Antminer S21/Mon Jul 4', 2_250],
    ['whatsminer/v1.1', 6_500],
    ['PowerPlay-BM/1.2', 16_384],
    ['xminer-1.2.6', 16_384],
    ['bosminer-plus-tuner 0.2.0', Infinity],
    ['bitaxe/BM1370/v2.9.0', Infinity],
    ['cgminer/4.12', Infinity],
  ])(
    'of %s hashes a coinbase of %d bytes at most, and is let go before it gets a longer one',
    (userAgent, most) => {
      const seen = { sent: 0, kept: 0 };
      for (const outputs of [3, 12, 19, 60, 190, 560]) {
        const miner = minerAt(
          { nominalHashRate: 1e18 },
          {
            payoutOutputs: (value) =>
              Array.from({ length: outputs }, (_, index) => ({
                value: index === 0 ? value : 0n,
                scriptPubKey: Uint8Array.of(0x00, 0x14, ...new Uint8Array(20).fill(index)),
              })),
          },
        );
        miner.ask(1, 'mining.subscribe', userAgent);
        const { job } = read(miner.ask(2, 'mining.authorize', 'alice.rig1', 'x'));
        const tooLong = miner.outcomes.find(({ type }) => type === 'Sv1CoinbaseTooLong');
        if (tooLong === undefined) {
          seen.sent += 1;
          const size = userAgent.startsWith('NiceHash') ? 8 : 4;
          expect(job[2].length / 2 + 4 + size + job[3].length / 2).toBeLessThanOrEqual(most);
        } else {
          seen.kept += 1;
          expect(job).toBeUndefined();
          expect(tooLong).toMatchObject({ most });
          expect((tooLong as { readonly length: number }).length).toBeGreaterThan(most);
          expect(miner.ended()).toMatchObject({
            code: 'coinbase-too-long',
            reason: expect.stringMatching(/cannot hash a coinbase of \d+ bytes, at most \d+/),
          });
        }
      }
      expect(seen.sent).toBeGreaterThan(0);
      if (most < Infinity) expect(seen.kept).toBeGreaterThan(0);
    },
  );

  it('of Bitaxes pipelines its handshake', () => {
    const miner = minerAt();
    const lines = [
      '{"id": 1, "method": "mining.configure", "params": [["version-rolling"], {"version-rolling.mask": "ffffffff"}]}',
      '{"id": 2, "method": "mining.subscribe", "params": ["bitaxe/BM1370/v2.9.0"]}',
      '{"id": 3, "method": "mining.authorize", "params": ["bc1qexample.bitaxe", "x"]}',
      '{"id": 4, "method": "mining.suggest_difficulty", "params": [1000]}',
      '{"id": 5, "method": "mining.extranonce.subscribe", "params": []}',
    ].flatMap(miner.say);
    expect(methods(lines)).toEqual([
      'answer 1',
      'answer 2',
      'answer 3',
      'mining.set_difficulty',
      'mining.notify',
      'answer 4',
      'answer 5',
    ]);
    expect(lines[0]).toEqual({
      id: 1,
      result: { 'version-rolling': true, 'version-rolling.mask': '1fffe000' },
      error: null,
    });
  });

  it('of NerdMiners takes the first line for the answer to mining.subscribe, and its nonces are short', () => {
    const miner = minerAt();
    const [first, ...others] = miner.say(
      '{"id": 1, "method": "mining.subscribe", "params": ["NerdMinerV2/1.8"]}',
    );
    const [subscriptions, extranonce1, size] = first?.['result'] as [string[][], string, number];
    expect(subscriptions[0]?.[1]).toBe(extranonce1);
    expect([typeof extranonce1, size, others]).toEqual(['string', 4, []]);
    const lines = miner.say('{"params": ["bc1qexample.nerd", "x"], "id": 2, "method": "mining.authorize"}');
    const { job, difficulty } = read(lines);
    expect(miner.say('{"id": 3, "method": "mining.suggest_difficulty", "params": [0.00015]}')).toEqual([
      { id: 3, result: true, error: null },
    ]);
    const nonce = nonceFor(job, extranonce1, { extranonce2: zeros }, difficulty).replace(/^0+(?=.)/, '');
    const submit = `{"params": ["bc1qexample.nerd","${job[0]}","${zeros}","${job[7]}","${nonce}"], "id": 4, "method": "mining.submit"}`;
    expect(miner.say(submit)).toEqual([{ id: 4, result: true, error: null }]);
  });

  it('of NerdMiners and NiceHash gets lines that fit its buffers', () => {
    const miner = minerAt();
    const lines = [
      '{"id":1,"method":"mining.subscribe","params":["NerdMinerV2"]}',
      '{"id":2,"method":"mining.authorize","params":["u","x"]}',
    ].flatMap(miner.say);
    for (const line of lines) expect(JSON.stringify(line).length).toBeLessThan(2_048);
  });
});

describe('work that has ended', () => {
  const submitted = (miner: ReturnType<typeof working>, job: Job, extranonce2: string) => {
    const nonce = nonceFor(job, miner.extranonce1, { extranonce2 }, miner.difficulty);
    return miner.ask(4, 'mining.submit', 'alice.rig1', job[0], extranonce2, job[7], nonce)[0];
  };
  const notFound = expect.objectContaining({ error: [21, 'Job not found', null] });

  it('is so for the miner, too, when nbits change on one tip', () => {
    const miner = working();
    expect(submitted(miner, miner.job, '00000001')).toMatchObject({ result: true });
    const { prevHash } = prevHashFor(1);
    const { job } = read(
      miner.fromServer(miner.core.setNewPrevHash(prevHashFor(1, { prevHash, nBits: 0x1e7f_ffff }), NOW)),
    );
    expect(job[6]).toBe('1e7fffff');
    expect(job[8]).toBe(true);
    expect(submitted(miner, miner.job, '00000002')).toEqual(notFound);
    expect(submitted(miner, job, '00000003')).toMatchObject({ result: true });
  });

  it('is so for the miner, too, when the server has forgotten it after 16 others on one tip', () => {
    const miner = working();
    const jobs = Array.from(
      { length: 17 },
      (_, index) =>
        read(miner.fromServer(miner.core.newTemplate(template(index + 2, { futureTemplate: false })))).job,
    );
    expect(jobs.map((job) => job[8])).not.toContain(true);
    expect(submitted(miner, miner.job, '00000001')).toEqual(notFound);
    expect(submitted(miner, jobs[0] as Job, '00000002')).toMatchObject({ result: true });
    expect(miner.outcomes.filter(({ type }) => type === 'Sv1ShareLost')).toEqual([]);
  });
});

test('a server that sends its clients elsewhere has the miner come back here', () => {
  const miner = working();
  const lines = miner.fromServer({
    messages: [{ clientId: 1, messages: [Reconnect({ newHost: 'elsewhere.example', newPort: 3_333 })] }],
  } as never);
  expect(lines).toEqual([{ id: null, method: 'client.reconnect', params: [] }]);
  expect(miner.ended()).toMatchObject({ code: 'reconnect' });
});

test('what a miner says of itself reaches the server as its firmware, without control characters', () => {
  const miner = minerAt();
  miner.ask(1, 'mining.subscribe', `cgminer\n4.12\u0007${'x'.repeat(300)}`);
  miner.ask(2, 'mining.authorize', 'alice', 'x');
  const setup = miner.toServer[0];
  expect(setup).toMatchObject({ type: 'SetupConnection', vendor: 'Stratum V1' });
  expect(setup?.type === 'SetupConnection' ? setup.firmware : '').toMatch(/^cgminer4\.12x{1,80}$/);
});
