/**
 * Fifteen things that miners of Stratum V1 do in the field, and that servers broke on: one spec each. What there is to each in
 * detail is in field.spec.ts and in spec/sv1.
 */
import { expect, it, jest } from '@jest/globals';
import { defer, from, mergeMap, Subject, timer } from 'rxjs';
import { targetFromDifficulty, difficultyFromTarget } from '../../../src/bitcoin/target.js';
import type { OpenExtendedMiningChannel, UpdateChannel } from '../../../src/messages/index.js';
import { acceptSv1Connections } from '../../../src/sv1/connection.js';
import { memoryStreams } from '../../../src/testing/memory-streams.js';
import { memoryNetwork } from '../../../src/testing/memory.js';
import type { HandshakeFailure } from '../../../src/transport/index.js';
import type { ByteStream } from '../../../src/transport/byte-stream.js';
import { NOW, NTIME } from '../../mining/support.js';
import { during, memoryTemplateProvider, only, virtually } from '../support.js';
import { nbits, poolWithSv1, rawMiner, topics } from './raw-miners.js';
import { minerAt, nonceFor, read, working, type Line } from './support.js';

// the jitter of reconnections
jest.spyOn(Math, 'random').mockReturnValue(0.5);

const zeros = '00000000';
const methods = (lines: readonly Line[]) => lines.map((line) => line['method'] ?? line['id']);
const errorOf = ([line]: readonly Line[]) => (line?.['error'] as readonly unknown[] | null)?.[0] ?? null;
const hello = [
  '{"id":1,"method":"mining.configure","params":[["version-rolling"],{"version-rolling.mask":"ffffffff"}]}',
  '{"id":2,"method":"mining.subscribe","params":["bitaxe/BM1370"]}',
  '{"id":3,"method":"mining.authorize","params":["alice.rig1","x"]}',
];
const answered = [1, 2, 3, 'mining.set_difficulty', 'mining.notify'];

it('1. pipelined handshakes in one segment, bytes split anywhere, CRLF, no newline before the end', () => {
  const network = memoryNetwork();
  const { pool, event$ } = poolWithSv1(network);
  const provider = memoryTemplateProvider(network, { nbits, seed: 1, blockInterval: 1e9 });
  const text = `${hello.join('\n')}\n`;
  const bytes = new TextEncoder().encode(text);
  const raw = (...given: [readonly (string | Uint8Array)[], { readonly endsAfterwards?: boolean }?]) =>
    during(2, 10, rawMiner(network.dial('sv1'), ...given));
  const logs = virtually(10, () => ({
    provider: provider.start(),
    pool: pool.start(),
    event: event$,
    oneSegment: raw([text]),
    byteByByte: raw([...bytes].map((byte) => Uint8Array.of(byte))),
    returns: raw([text.replaceAll('\n', '\r\n')]),
    noNewline: raw([text.trimEnd()], { endsAfterwards: true }),
  }));
  for (const name of ['oneSegment', 'byteByByte', 'returns'] as const)
    expect([name, ...topics(logs[name])]).toEqual([name, ...answered]);
  expect(topics(logs.noNewline).slice(0, 3)).toEqual([1, 2, 3]);
  expect(only(logs.event, 'Sv1Nonsense')).toEqual([]);
});

it('2. ids that are numbers, texts, null, missing, repeated or huge: each answered with its own (R1)', () => {
  const miner = minerAt();
  const ids = ['7', '"seven"', 'null', '7', '7', '123456789012345678901234567890', '-1', '1.5'];
  const lines = ids.flatMap((id) => miner.say(`{"id":${id},"method":"mining.multi_version","params":[1]}`));
  const huge = Number('123456789012345678901234567890'); // as this reads it; messages.spec.ts has the digits
  expect(lines.map(({ id }) => id)).toEqual([7, 'seven', null, 7, 7, huge, -1, 1.5]);
  expect(miner.say('{"method":"mining.multi_version","params":[1]}')).toMatchObject([{ id: null }]);
});

it('3. authorize before subscribe, several of them, and shares of each user', () => {
  const miner = minerAt();
  miner.ask(1, 'mining.authorize', 'alice.rig1', 'x');
  miner.ask(2, 'mining.authorize', 'alice.rig2', 'x');
  const lines = miner.ask(3, 'mining.subscribe', 'controller/1');
  expect(methods(lines)).toEqual([3, 'mining.set_difficulty', 'mining.notify']);
  const { job, difficulty } = read(lines);
  const submit = (user: string, extranonce2: string) => {
    const nonce = nonceFor(job, 'e1e2e3e4', { extranonce2 }, difficulty);
    return miner.ask(4, 'mining.submit', user, job[0], extranonce2, job[7], nonce);
  };
  expect(errorOf(submit('alice.rig1', '00000001'))).toBeNull();
  expect(errorOf(submit('alice.rig2', '00000002'))).toBeNull();
  expect(errorOf(submit('alice.rig3', '00000003'))).toBe(24);
});

it('4. subscribe with the id of an earlier session: the same extranonce, unless another miner has it', () => {
  const network = memoryNetwork();
  const { pool } = poolWithSv1(network);
  const subscribe = (...params: readonly string[]) =>
    rawMiner(network.dial('sv1'), [
      `${JSON.stringify({ id: 1, method: 'mining.subscribe', params: ['cgminer/4.12', ...params] })}\n`,
      '{"id":2,"method":"mining.authorize","params":["alice","x"]}\n',
    ]);
  // counted from the seed: the first, the second
  const [first, second] = ['05050506', '05050507'] as const;
  const logs = virtually(40, () => ({
    pool: pool.start(),
    before: during(1, 10, subscribe()),
    beside: during(5, 40, subscribe(first)),
    again: during(15, 40, subscribe(first)),
    invented: during(16, 40, subscribe('deadbeef')),
    wrong: during(17, 40, subscribe('not a session')),
    zero: during(18, 40, subscribe('00000000')),
  }));
  const extranonce1 = (name: keyof typeof logs) => {
    const [line] = logs[name] as unknown as readonly { readonly line: { readonly result: unknown } }[];
    return (line?.line.result as readonly unknown[])[1];
  };
  expect(extranonce1('before')).toBe(first);
  expect(extranonce1('beside')).toBe(second);
  expect(extranonce1('again')).toBe(first);
  expect(extranonce1('invented')).toBe('deadbeef');
  for (const name of ['wrong', 'zero'] as const) expect(extranonce1(name)).toMatch(/^0505050[89a-f]$/);
});

it('5. difficulties that are asked for: before subscribe, float, text, 0, negative, in the password, by configure', () => {
  const miner = minerAt();
  const suggest = (difficulty: unknown) => errorOf(miner.ask(1, 'mining.suggest_difficulty', difficulty));
  expect([suggest(0.00015), suggest('0.5'), suggest(0), suggest(-1), suggest('x')]).toEqual([
    null,
    null,
    20,
    20,
    -32602,
  ]);
  miner.ask(2, 'mining.configure', ['minimum-difficulty'], { 'minimum-difficulty.value': 0.25 });
  miner.ask(3, 'mining.subscribe', 'x');
  miner.ask(4, 'mining.authorize', 'alice', 'x,d=8');
  const open = miner.toServer.find(
    ({ type }) => type === 'OpenExtendedMiningChannel',
  ) as OpenExtendedMiningChannel;
  // the password is the last that says so
  expect(difficultyFromTarget(open.maxTarget)).toBeCloseTo(8, 6);
  miner.ask(5, 'mining.suggest_difficulty', 16);
  const update = miner.toServer.find(({ type }) => type === 'UpdateChannel') as UpdateChannel;
  expect(update.nominalHashRate / (16 * 2 ** 32)).toBeCloseTo(1, 3); // at a share a second
});

it('6. a difficulty that drops: shares of the job before are judged by its own', () => {
  const miner = working();
  const [clientId, channel] = [...miner.core.channels()][0] ?? [1, undefined];
  const easy = miner.difficulty;
  const at = (difficulty: number) => {
    const target = targetFromDifficulty(difficulty);
    miner.fromServer(miner.core.setTarget(clientId, channel?.channelId ?? 0, target));
    return read(miner.fromServer(miner.core.renewJobs(NOW))).job;
  };
  const hard = at(8 * easy);
  const dropped = at(easy);
  const submit = (job: typeof hard, extranonce2: string) => {
    const nonce = nonceFor(job, miner.extranonce1, { extranonce2 }, easy, 8 * easy);
    return errorOf(miner.ask(3, 'mining.submit', 'alice.rig1', job[0], extranonce2, job[7], nonce));
  };
  expect([submit(dropped, '00000001'), submit(hard, '00000002'), submit(miner.job, '00000003')]).toEqual([
    null,
    23,
    null,
  ]);
});

it('7. set_difficulty comes between the answer to subscribe and the first notify, never before the answer', () => {
  const order = ['mining.authorize', 'mining.subscribe', 'mining.suggest_difficulty'];
  for (const methodsInOrder of [order, [...order].reverse(), [order[1], order[0], order[2]]]) {
    const miner = minerAt();
    const sent = methodsInOrder.flatMap((method) =>
      methods(miner.ask(method, method as string, method === order[2] ? 0.001 : 'alice', 'x')),
    );
    const [subscribed, difficulty, job] = [order[1], 'mining.set_difficulty', 'mining.notify'].map((topic) =>
      sent.indexOf(topic),
    ) as [number, number, number];
    expect(subscribed).toBeLessThan(difficulty);
    expect(difficulty).toBeLessThan(job);
  }
});

it('8. job ids are short hex and never repeat, at keep-alives and after a restart neither', () => {
  const ids: string[] = [];
  for (const seed of [0xab, 0xff]) {
    const miner = working({}, {}, [2], seed);
    ids.push(miner.job[0]);
    for (let block = 2; block < 30; block++) {
      ids.push(read(miner.nextBlock(block)).job[0]);
      ids.push(read(miner.keepAlive()).job[0]);
    }
  }
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{1,8}$/);
  expect(new Set(ids).size).toBe(ids.length);
});

it('9. ntime may be rolled up to 7,200 seconds ahead; below the least it is refused with a code', () => {
  const miner = working();
  const at = (seconds: number) => {
    const ntime = seconds.toString(16);
    const nonce = nonceFor(miner.job, miner.extranonce1, { extranonce2: zeros, ntime }, miner.difficulty);
    return errorOf(miner.ask(3, 'mining.submit', 'alice.rig1', miner.job[0], zeros, ntime, nonce));
  };
  expect([at(NTIME), at(NTIME + 7_200), at(NTIME + 7_201), at(NTIME - 1)]).toEqual([null, null, 20, 20]);
  expect(miner.ended()).toBeUndefined();
});

it('10. version bits that are left out after configure count as none', () => {
  const miner = minerAt();
  miner.ask(0, 'mining.configure', ['version-rolling'], { 'version-rolling.mask': '1fffe000' });
  miner.ask(1, 'mining.subscribe', 'x');
  const { job, difficulty } = read(miner.ask(2, 'mining.authorize', 'alice', 'x'));
  const nonce = nonceFor(job, 'e1e2e3e4', { extranonce2: zeros }, difficulty);
  expect(errorOf(miner.ask(3, 'mining.submit', 'alice', job[0], zeros, job[7], nonce))).toBeNull();
});

it('11. an extranonce2 that is too short, too long, odd or no hex is refused and ends nothing; upper case is taken', () => {
  const miner = working();
  const submit = (extranonce2: string) => {
    const hex = /^[0-9a-f]{8}$/i.test(extranonce2);
    const nonce = hex ? nonceFor(miner.job, miner.extranonce1, { extranonce2 }, miner.difficulty) : zeros;
    return errorOf(
      miner.ask(3, 'mining.submit', 'alice.rig1', miner.job[0], extranonce2, miner.job[7], nonce),
    );
  };
  const codes = ['0000', '0000000000', '0000000', 'zz000000', '', 'ABCDEF00'].map(submit);
  expect(codes).toEqual([20, 20, 20, 20, 20, null]);
  expect(miner.ended()).toBeUndefined();
});

it('12. half-open connections go by themselves; who is idle for 15 minutes stays, with jobs; all come back at once', () => {
  const network = memoryNetwork();
  const { pool, event$ } = poolWithSv1(network, {}, { inactivityLimit: 1_200_000 });
  const handshake = `${hello.join('\n')}\n`;
  const restarted = () => from(Array.from({ length: 300 }, (_, index) => index));
  const logs = virtually(1_300, () => ({
    provider: memoryTemplateProvider(network, {
      nbits,
      seed: 1,
      blockInterval: 1e9,
      refreshInterval: 1e9,
    }).start(),
    pool: pool.start(),
    event: event$,
    // never says anything again, whether it is there or not
    idle: during(1, 1_300, rawMiner(network.dial('sv1'), [handshake])),
    storm: timer(950_000).pipe(
      mergeMap(restarted),
      mergeMap(() => during(0, 20, rawMiner(network.dial('sv1'), [handshake]))),
    ),
  }));
  const jobs = only(logs.idle, 'line').filter(({ line }) => (line as Line)['method'] === 'mining.notify');
  expect(jobs.filter(({ at }) => at < 901).length).toBeGreaterThanOrEqual(15);
  // silent since second 1: 1,200 s, and a sixteenth more
  expect(only(logs.idle, 'ended').map(({ at }) => Math.round(at))).toEqual([1_276]);
  expect(topics(logs.storm).filter((topic) => topic === 'mining.notify').length).toBeGreaterThanOrEqual(300);
});

it('13. duplicates after a reconnect and shares for the block before are stale (21), and end nothing', () => {
  const before = working();
  const nonce = nonceFor(before.job, before.extranonce1, { extranonce2: zeros }, before.difficulty);
  const share = ['alice.rig1', before.job[0], zeros, before.job[7], nonce] as const;
  expect(errorOf(before.ask(3, 'mining.submit', ...share))).toBeNull();
  expect(errorOf(before.ask(4, 'mining.submit', ...share))).toBe(22);
  before.nextBlock(2);
  expect(errorOf(before.ask(5, 'mining.submit', ...share))).toBe(21);
  expect(before.ended()).toBeUndefined();
  const again = working({}, {}, [2], 0x11);
  expect(errorOf(again.ask(3, 'mining.submit', ...share))).toBe(21);
  expect(again.ended()).toBeUndefined();
});

it('14. 2,000 miners of one address have work each, and how many may come from one is a setting', () => {
  const arriving = (limits: Parameters<typeof acceptSv1Connections>[0]) => {
    const network = memoryNetwork();
    const stream$ = new Subject<ByteStream>();
    const turnedAway: HandshakeFailure[] = [];
    const { pool } = poolWithSv1(
      network,
      {},
      {},
      stream$.pipe(
        acceptSv1Connections(
          { ...limits, handshakeErrorObserver: { next: (failure) => turnedAway.push(failure) } },
          false,
        ),
      ),
    );
    const dial = (port: number) =>
      defer(() => {
        const [near, far] = memoryStreams('pool', `203.0.113.7:${port}`);
        stream$.next(far);
        return [near];
      });
    const logs = virtually(12, () => ({
      provider: memoryTemplateProvider(network, { nbits, seed: 1, blockInterval: 1e9 }).start(),
      pool: pool.start(),
      miners: timer(2_000).pipe(
        mergeMap(() => Array.from({ length: 2_000 }, (_, index) => 1_024 + index)),
        mergeMap((port) => rawMiner(dial(port), [`${hello.slice(1).join('\n')}\n`])),
      ),
    }));
    const lines = topics(logs.miners);
    const count = (wanted: unknown) => lines.filter((topic) => topic === wanted).length;
    return { served: count(3), jobs: count('mining.notify'), turnedAway };
  };
  const all = arriving({});
  expect(all.served).toBe(2_000);
  expect(all.jobs).toBeGreaterThanOrEqual(2_000);
  expect(all.turnedAway).toEqual([]);
  const limited = arriving({ maxConnectionsPerAddress: 100 });
  expect(limited.served).toBe(100);
  expect(limited.turnedAway).toHaveLength(1_900);
  expect(limited.turnedAway[0]).toMatchObject({ error: { code: 'too-many-connections' } });
});

it('15. get_transactions, ping, multi_version, suggest_target and answers of their own are answered and do no harm', () => {
  const miner = working();
  expect(miner.ask(1, 'mining.ping')).toMatchObject([{ id: 1, result: 'pong' }]);
  expect(errorOf(miner.ask(2, 'mining.get_transactions', miner.job[0]))).toBe(20);
  expect(miner.ask(3, 'mining.multi_version', 1)).toMatchObject([{ id: 3, result: false }]);
  expect(miner.ask(4, 'mining.suggest_target', '00000000ffff'.padEnd(64, '0'))).toMatchObject([
    { id: 4, result: true },
  ]);
  expect(miner.say('{"id":9,"result":"bitaxe/BM1370","error":null}')).toEqual([]);
  expect(miner.ended()).toBeUndefined();
});
