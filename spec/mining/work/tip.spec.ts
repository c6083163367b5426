import { describe, expect, it } from '@jest/globals';
import {
  compareTargets,
  targetFromBigInt,
  targetFromNbits,
  targetToBigInt,
} from '../../../src/bitcoin/target.js';
import { jobMarks, type MiningServer } from '../../../src/mining/index.js';
import { codeOf } from '../../bitcoin/support.js';
import {
  HARD_NBITS,
  mineShare,
  NOW,
  openStandard,
  outcomeOf,
  prevHashFor,
  REGTEST_NBITS,
  REQUIRES_STANDARD_JOBS,
  sentTo,
  server,
  template,
  typesOf,
  wireChannel,
  zeros,
} from '../support.js';

const flagsOfClients = [0, REQUIRES_STANDARD_JOBS];

const running = (flags: number) => {
  const miningServer = server({ marks: jobMarks(zeros) });
  miningServer.newTemplate(template(1));
  miningServer.setNewPrevHash(prevHashFor(1), NOW);
  const wired = wireChannel(miningServer, openStandard(), { flags });
  const verdictOf = (message: ReturnType<typeof mineShare>['message']) => {
    const [outcome] = wired.send(message).outcomes;
    return outcome?.type === 'ShareRejected' ? outcome.errorCode : outcome?.type;
  };
  return { miningServer, ...wired, verdictOf };
};

const expectOldWorkEnds = (
  { miningServer, channel, verdictOf }: ReturnType<typeof running>,
  change: (to: MiningServer) => string | null,
) => {
  const { message } = mineShare(channel);
  expect(change(miningServer)).not.toBeNull();
  expect(verdictOf(message)).toBe('stale-share');
};

describe.each(flagsOfClients)('another previous hash (flags %d)', (flags) => {
  it('ends all work at once when its template is not known, though others are', () => {
    const setting = running(flags);
    const { miningServer, channel, receive, verdictOf } = setting;
    receive(miningServer.newTemplate(template(2)));
    expectOldWorkEnds(setting, (to) => {
      const output = to.setNewPrevHash(prevHashFor(9), NOW);
      expect(output.messages).toEqual([]);
      return output.missing;
    });
    // and is mined with the template it names, as soon as that comes; others are for the tip after it
    receive(miningServer.newTemplate(template(3)));
    const late = receive(miningServer.newTemplate(template(9)));
    expect(typesOf(sentTo(late)).filter((type) => type === 'SetNewPrevHash')).toHaveLength(1);
    const { work, message } = mineShare(channel);
    expect(work.prevHash).toEqual(prevHashFor(9).prevHash);
    expect(verdictOf(message)).toBe('ShareAccepted');
    receive(miningServer.setNewPrevHash(prevHashFor(3), NOW));
    expect(mineShare(channel).work.prevHash).toEqual(prevHashFor(3).prevHash);
  });

  it('ends all work at once when its nbits make no sense', () => {
    const setting = running(flags);
    const { miningServer, channel, receive } = setting;
    const prevHash = { ...prevHashFor(2), nBits: 0x1dffffff };
    receive(miningServer.newTemplate(template(2)));
    expectOldWorkEnds(setting, (to) => to.setNewPrevHash(prevHash, NOW).missing);
    const now = template(3, { futureTemplate: false });
    expect(codeOf(() => miningServer.newTemplate(now))).toBe('chain-tip-not-set');
    receive(miningServer.newTemplate(template(4)));
    receive(miningServer.setNewPrevHash(prevHashFor(4), NOW));
    expect(mineShare(channel).work.prevHash).toEqual(prevHashFor(4).prevHash);
  });

  it('ends all work at once when the coinbase of its template could not be built', () => {
    const setting = running(flags);
    const bad = template(2, { coinbasePrefix: new Uint8Array(100) });
    expect(codeOf(() => setting.miningServer.newTemplate(bad))).toBe('bad-cb-length');
    expectOldWorkEnds(setting, (to) => to.setNewPrevHash(prevHashFor(2), NOW).missing);
  });
});

describe.each(flagsOfClients)('the same previous hash (flags %d)', (flags) => {
  const { prevHash, headerTimestamp } = prevHashFor(1);

  it.each<[string, { readonly nBits?: number; readonly headerTimestamp?: number }]>([
    ['nbits', { nBits: 0x1d00fffe }],
    ['smallest time', { headerTimestamp: headerTimestamp + 1200 }],
  ])('with other %s makes other work of the template that is mined', (_, fields) => {
    const { miningServer, channel, receive, verdictOf } = running(flags);
    receive(miningServer.newTemplate(template(5)));
    const before = mineShare(channel);
    const changed = { prevHash, ...fields };
    expect(receive(miningServer.setNewPrevHash(prevHashFor(77, changed), NOW)).outcomes).toEqual([]);
    const after = mineShare(channel);
    expect(after.work).toMatchObject({ prevHash, nbits: fields.nBits ?? HARD_NBITS });
    expect(after.work.ntime).toBe(fields.headerTimestamp ?? headerTimestamp);
    expect(after.work.merkleRoot).not.toEqual(before.work.merkleRoot);
    expect(verdictOf(before.message)).toBe('stale-share');
    expect(verdictOf(after.message)).toBe('ShareAccepted');
    receive(miningServer.setNewPrevHash(prevHashFor(5), NOW)); // the future jobs are still there
    expect(mineShare(channel).work.prevHash).toEqual(prevHashFor(5).prevHash);
  });

  it('said again changes nothing, nor do nbits that make no sense', () => {
    const { miningServer, channel, verdictOf } = running(flags);
    const { message } = mineShare(channel);
    const again = miningServer.setNewPrevHash(prevHashFor(77, { prevHash }), NOW);
    expect(again).toEqual({ messages: [], outcomes: [], missing: null });
    const senseless = { ...prevHashFor(77, { prevHash }), nBits: 0x1dffffff };
    expect(codeOf(() => miningServer.setNewPrevHash(senseless, NOW))).toBe('invalid-nbits');
    expect(verdictOf(message)).toBe('ShareAccepted');
  });

  it('said again while its template is awaited leaves old jobs stale', () => {
    const { miningServer, channel, receive, verdictOf } = running(flags);
    const { message } = mineShare(channel);
    for (const id of [7, 8])
      miningServer.setNewPrevHash(prevHashFor(id, { prevHash: prevHashFor(7).prevHash }), NOW);
    expect(verdictOf(message)).toBe('stale-share');
    receive(miningServer.newTemplate(template(8)));
    expect(verdictOf(message)).toBe('stale-share');
    expect(verdictOf(mineShare(channel).message)).toBe('ShareAccepted');
  });
});

describe('the target that a template provider gives with a tip (§7.3)', () => {
  const foundWith = (fields: Parameters<typeof prevHashFor>[1]) => {
    const miningServer = server({ marks: jobMarks(zeros) });
    miningServer.newTemplate(template(1));
    miningServer.setNewPrevHash(prevHashFor(1, fields), NOW);
    const { channel, send, receive } = wireChannel(miningServer, openStandard());
    const share = () => {
      const mined = mineShare(channel);
      return { ...mined, output: send(mined.message) };
    };
    return { miningServer, channel, receive, share };
  };
  const easiest = new Uint8Array(32).fill(0xff);

  it('is what shares are submitted by when it is easier than that of a block, which they are not', () => {
    const { channel, share } = foundWith({ target: easiest });
    const { header, hash, output } = share();
    expect(typesOf(output.outcomes)).toEqual(['ShareAccepted', 'WeakBlockFound']);
    const solution = { templateId: 1n, headerNonce: expect.any(Number) };
    expect(outcomeOf(output, 'WeakBlockFound')).toMatchObject({ header, hash, solution });
    // nor do miners hear of it
    expect(channel.target).toEqual(wireChannel(server(), openStandard()).channel.target);
  });

  it('takes what is at it, and nothing above it', () => {
    const none = foundWith({ target: new Uint8Array(32) });
    const { message, hash, output } = none.share();
    expect(typesOf(output.outcomes)).toEqual(['ShareAccepted']);
    const with1 = (change: number) => targetFromBigInt(targetToBigInt(hash) + BigInt(change));
    for (const [target, types] of [
      [with1(0), ['ShareAccepted', 'WeakBlockFound']],
      [with1(-1), ['ShareAccepted']],
    ] as const) {
      const { share } = foundWith({ target });
      const same = share(); // the same work, so the same share
      expect(same.message).toEqual(message);
      expect(typesOf(same.output.outcomes)).toEqual(types);
    }
  });

  it('may change on one tip', () => {
    const { miningServer, receive, share } = foundWith({});
    expect(typesOf(share().output.outcomes)).toEqual(['ShareAccepted']);
    receive(miningServer.setNewPrevHash(prevHashFor(1, { target: easiest }), NOW));
    expect(typesOf(share().output.outcomes)).toEqual(['ShareAccepted', 'WeakBlockFound']);
  });

  it('keeps no block from being submitted when it is harder: what is a block is said by nbits', () => {
    const { share } = foundWith({ nBits: REGTEST_NBITS, target: new Uint8Array(32) });
    for (let tries = 0; tries < 20; tries++) {
      const { hash, output } = share();
      const isBlock = compareTargets(hash, targetFromNbits(REGTEST_NBITS)) <= 0;
      expect(typesOf(output.outcomes)).toEqual(['ShareAccepted', ...(isBlock ? ['BlockFound'] : [])]);
      if (isBlock) return;
    }
    throw new Error('no block found');
  });
});
