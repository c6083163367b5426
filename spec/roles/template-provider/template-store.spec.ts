import { describe, expect, it } from '@jest/globals';
import { parseTemplateOutputs, findWitnessCommitment, targetFromNbits } from '../../../src/bitcoin/index.js';
import {
  maxTemplatesPerConstraints,
  maxUnusedConstraints,
  templateStore,
  type Announcement,
} from '../../../src/roles/template-provider/template-store.js';
import { blockTemplate, constraints, EASY_NBITS, hash, NOW, NTIME, SUBSIDY, transaction } from './support.js';

const store = (feeThreshold = 100n) => templateStore({ feeThreshold, lastTemplateId: 0n });
const moreRoom = { ...constraints, coinbaseOutputMaxAdditionalSize: 1_000 };
const paying = (fee: bigint, seed = 1) => [transaction(seed, { fee })];
const nextTip = (seed: number, height = 900_001) =>
  blockTemplate([transaction(seed)], { prevHash: hash(9_000 + seed), height });

/** What each client is sent: message types with template ids. */
const sent = (announcements: readonly Announcement[] | undefined) =>
  announcements?.map(({ clientIds, messages }) => [
    clientIds,
    ...messages.map((message) =>
      message.type === 'NewTemplate'
        ? `${message.futureTemplate ? 'future' : 'current'} ${message.templateId}`
        : `tip ${message.templateId}`,
    ),
  ]);

describe('a template store', () => {
  it('answers constraints with the best template and its tip (spec chapter 7)', () => {
    const templates = store();
    templates.update(blockTemplate(), NOW);
    const announcements = templates.setConstraints(7, constraints, NOW);
    expect(sent(announcements)).toEqual([[[7], 'future 1', 'tip 1']]);
    const [template, tip] = announcements?.[0]?.messages ?? [];
    expect(template).toMatchObject({
      version: 0x2000_0000,
      coinbaseTxVersion: 2,
      coinbasePrefix: Uint8Array.of(0x03, 0xa0, 0xbb, 0x0d),
      coinbaseTxInputSequence: 0xffff_ffff,
      coinbaseTxValueRemaining: SUBSIDY + 2_000n,
      coinbaseTxOutputsCount: 1,
      coinbaseTxLocktime: 0,
    });
    expect(tip).toMatchObject({
      prevHash: hash(900),
      headerTimestamp: NTIME,
      nBits: EASY_NBITS,
      target: targetFromNbits(EASY_NBITS),
    });
    if (template?.type !== 'NewTemplate') throw new Error('no template');
    expect(template.merklePath).toHaveLength(2);
    const outputs = parseTemplateOutputs(template.coinbaseTxOutputs, 1);
    expect(outputs[0]?.value).toBe(0n);
    expect(findWitnessCommitment(outputs)).not.toBeNull();
  });

  it('answers constraints that came before the first template as soon as it is there', () => {
    const templates = store();
    expect(templates.setConstraints(7, constraints, NOW)).toEqual([]);
    expect(sent(templates.update(blockTemplate(), NOW))).toEqual([[[7], 'future 1', 'tip 1']]);
  });

  it('lets the time go on for a client that comes later, but not back', () => {
    const templates = store();
    templates.update(blockTemplate(), NOW);
    const timestamp = (now: number) => {
      const message = templates.setConstraints(7, constraints, now)?.[0]?.messages[1];
      return message?.type === 'TemplateDistribution.SetNewPrevHash' ? message.headerTimestamp : undefined;
    };
    expect(timestamp(NOW + 90_500)).toBe(NTIME + 90);
    expect(timestamp(NOW - 1_000_000)).toBe(NTIME);
    templates.update(blockTemplate([], { minTime: NTIME + 500 }), NOW);
    expect(timestamp(NOW)).toBe(NTIME + 500);
  });

  it('sends a new tip to everyone, with a template of its own', () => {
    const templates = store();
    templates.update(blockTemplate(), NOW);
    templates.setConstraints(1, constraints, NOW);
    templates.setConstraints(2, moreRoom, NOW);
    templates.setConstraints(3, constraints, NOW);
    expect(sent(templates.update(nextTip(1), NOW))).toEqual([
      [[1, 3], 'future 3', 'tip 3'],
      [[2], 'future 4', 'tip 4'],
    ]);
    templates.removeClient(1);
    expect(sent(templates.update(nextTip(2, 900_002), NOW))).toEqual([
      [[3], 'future 5', 'tip 5'],
      [[2], 'future 6', 'tip 6'],
    ]);
  });

  it('gives clients of the same constraints the same template', () => {
    const templates = store();
    templates.update(blockTemplate(), NOW);
    templates.setConstraints(1, constraints, NOW);
    expect(sent(templates.setConstraints(2, constraints, NOW))).toEqual([[[2], 'future 1', 'tip 1']]);
    expect(templates.size()).toBe(1);
  });

  it('sends another template on the same tip once the fees have risen by the threshold', () => {
    const templates = store(100n);
    templates.update(blockTemplate(paying(1_000n)), NOW);
    templates.setConstraints(1, constraints, NOW);
    expect(templates.update(blockTemplate(paying(1_099n)), NOW)).toEqual([]);
    expect(templates.raiseFees()).toEqual([]);
    expect(templates.update(blockTemplate(paying(1_100n)), NOW)).toEqual([]);
    expect(sent(templates.raiseFees())).toEqual([[[1], 'current 2']]);
    expect(templates.raiseFees()).toEqual([]);
    // measured from what the client has, not from the last look
    templates.update(blockTemplate(paying(1_150n)), NOW);
    expect(templates.raiseFees()).toEqual([]);
    templates.update(blockTemplate(paying(1_200n)), NOW);
    expect(sent(templates.raiseFees())).toEqual([[[1], 'current 3']]);
  });

  it('brings everyone along when a client that joins makes a better template known', () => {
    const templates = store(100n);
    templates.update(blockTemplate(paying(1_000n)), NOW);
    templates.setConstraints(1, constraints, NOW);
    templates.update(blockTemplate(paying(5_000n)), NOW);
    expect(sent(templates.setConstraints(2, constraints, NOW))).toEqual([
      [[1], 'current 2'],
      [[2], 'future 2', 'tip 2'],
    ]);
  });

  it('gives a client that changes its constraints a template with a greater id, even back and forth', () => {
    const templates = store();
    templates.update(blockTemplate(), NOW);
    templates.setConstraints(1, constraints, NOW);
    templates.setConstraints(2, moreRoom, NOW);
    expect(sent(templates.setConstraints(2, constraints, NOW))).toEqual([[[2], 'future 3', 'tip 3']]);
    expect(sent(templates.setConstraints(2, constraints, NOW))).toEqual([[[2], 'future 4', 'tip 4']]);
    // it is not told of its old constraints any more
    expect(sent(templates.update(nextTip(1), NOW))).toEqual([[[1, 2], 'future 5', 'tip 5']]);
  });

  it('has nothing for a client that no block has room for, and forgets it', () => {
    const templates = store();
    templates.update(blockTemplate(), NOW);
    templates.setConstraints(1, constraints, NOW);
    const tooMuch = { ...constraints, coinbaseOutputMaxAdditionalSize: 1_000_000 };
    expect(templates.setConstraints(1, tooMuch, NOW)).toBeUndefined();
    expect(templates.update(nextTip(1), NOW)).toEqual([]);
  });

  it('remembers the templates of the tip and of the one before', () => {
    const templates = store();
    templates.update(blockTemplate(), NOW);
    templates.setConstraints(1, constraints, NOW);
    templates.update(nextTip(1), NOW);
    expect([1n, 2n].map((id) => templates.find(id)?.templateId)).toEqual([1n, 2n]);
    templates.update(nextTip(2, 900_002), NOW);
    expect([1n, 2n, 3n].map((id) => templates.find(id)?.templateId)).toEqual([undefined, 2n, 3n]);
  });

  it('sends a template when the chain goes back to the tip before', () => {
    const templates = store();
    templates.update(blockTemplate(), NOW);
    templates.setConstraints(1, constraints, NOW);
    templates.update(nextTip(1), NOW);
    expect(sent(templates.update(blockTemplate(), NOW))).toEqual([[[1], 'future 3', 'tip 3']]);
    expect(templates.find(2n)).toBeDefined();
  });

  it('keeps the templates of clients that are gone, for a block found in the meantime', () => {
    const templates = store();
    templates.update(blockTemplate(), NOW);
    templates.setConstraints(1, constraints, NOW);
    templates.removeClient(1);
    expect(templates.find(1n)).toBeDefined();
    templates.update(nextTip(1), NOW);
    expect(templates.find(1n)).toBeDefined();
    templates.update(nextTip(2), NOW);
    expect(templates.size()).toBe(0);
  });

  it('remembers a bounded number of templates, whatever clients and fees do', () => {
    const templates = store(1n);
    templates.update(blockTemplate(paying(1n)), NOW);
    templates.setConstraints(1, constraints, NOW);
    for (let fee = 2n; fee < 200n; fee++) {
      templates.update(blockTemplate(paying(fee)), NOW);
      templates.raiseFees();
    }
    expect(templates.size()).toBe(maxTemplatesPerConstraints);
    expect(templates.find(199n)).toBeDefined();
    for (let size = 100; size < 400; size++) {
      templates.setConstraints(2, { ...constraints, coinbaseOutputMaxAdditionalSize: size }, NOW);
    }
    // the other client's templates are still there
    expect(templates.size()).toBe(maxTemplatesPerConstraints + maxUnusedConstraints + 1);
    expect(templates.find(199n)).toBeDefined();
  });
});

describe('transactionData', () => {
  const templates = store();
  templates.update(blockTemplate([transaction(1), transaction(2)]), NOW);
  templates.setConstraints(1, constraints, NOW);
  templates.update(nextTip(3), NOW);

  it('returns the transactions without the coinbase, in block order', () => {
    expect(templates.transactionData(2n)).toEqual({
      type: 'RequestTransactionData.Success',
      templateId: 2n,
      excessData: new Uint8Array(0),
      transactionList: [transaction(3).data],
    });
  });

  it('calls a template of the tip before stale', () => {
    expect(templates.transactionData(1n)).toMatchObject({
      type: 'RequestTransactionData.Error',
      templateId: 1n,
      errorCode: 'stale-template-id',
    });
  });

  it('says when it does not know a template', () => {
    expect(templates.transactionData(99n)).toMatchObject({
      type: 'RequestTransactionData.Error',
      templateId: 99n,
      errorCode: 'template-id-not-found',
    });
  });
});
