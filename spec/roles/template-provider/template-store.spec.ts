import { describe, expect, it } from '@jest/globals';
import { parseTemplateOutputs, findWitnessCommitment, targetFromNbits } from '../../../src/bitcoin/index.js';
import {
  maxTemplatesPerTip,
  templateStore,
  type StoreOutput,
} from '../../../src/roles/template-provider/template-store.js';
import {
  announcements,
  blockTemplate,
  constraints,
  EASY_NBITS,
  hash,
  NOW,
  NTIME,
  SUBSIDY,
  transaction,
} from './support.js';

const store = (feeThreshold = 100n) => templateStore({ feeThreshold, lastTemplateId: 0n });
const moreRoom = { ...constraints, coinbaseOutputMaxAdditionalSize: 1_000 };
const paying = (fee: bigint, seed = 1) => [transaction(seed, { fee })];
const nextTip = (seed: number, height = 900_001) =>
  blockTemplate([transaction(seed)], { prevHash: hash(9_000 + seed), height });

/** What each client is sent: message types with template ids. */
const sent = (outputs: readonly StoreOutput[]) =>
  outputs.map((output) => [
    output.clientIds,
    ...(output.type === 'Refusal'
      ? [output.message]
      : output.messages.map((message) =>
          message.type === 'NewTemplate'
            ? `${message.futureTemplate ? 'future' : 'current'} ${message.templateId}`
            : `tip ${message.templateId}`,
        )),
  ]);

describe('a template store', () => {
  it('answers constraints with the best template and its tip (spec chapter 7)', () => {
    const templates = store();
    templates.update(blockTemplate(), NOW);
    const announced = templates.setConstraints(7, constraints, NOW);
    expect(sent(announced)).toEqual([[[7], 'future 1', 'tip 1']]);
    const [template, tip] = announcements(announced)[0]?.messages ?? [];
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
      const message = announcements(templates.setConstraints(7, constraints, now))[0]?.messages[1];
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
    expect(templates.size().templates).toBe(1);
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

  it('sends another template and tip when the difficulty changes on one tip, as on testnets after 20 minutes', () => {
    const templates = store();
    const [hard, easy] = [EASY_NBITS, 0x2070_0000];
    const at = (nbits: number, currentTime: number) => blockTemplate(paying(1_000n), { nbits, currentTime });
    templates.update(at(hard, NTIME), NOW);
    templates.setConstraints(1, constraints, NOW);
    const tip = templates.tip();
    templates.update(at(hard, NTIME + 10), NOW + 10_000);
    expect(templates.tip()).toBe(tip);
    const outputs = templates.update(at(easy, NTIME + 1_300), NOW + 1_300_000);
    expect(sent(outputs)).toEqual([[[1], 'future 2', 'tip 2']]);
    expect(announcements(outputs)[0]?.messages[1]).toMatchObject({
      prevHash: hash(900),
      headerTimestamp: NTIME + 1_300,
      nBits: easy,
      target: targetFromNbits(easy),
    });
    expect(templates.tip()).toEqual({ prevHash: hash(900), nbits: easy });
    // a block is made with what its miners hash, whatever came after
    expect([1n, 2n].map((id) => templates.find(id)?.nbits)).toEqual([hard, easy]);
    // and whoever comes now, or after it has changed back, gets a template that goes with the tip
    expect(sent(templates.setConstraints(2, constraints, NOW))).toEqual([[[2], 'future 2', 'tip 2']]);
    expect(sent(templates.update(at(hard, NTIME + 1_310), NOW + 1_310_000))).toEqual([
      [[1, 2], 'future 3', 'tip 3'],
    ]);
    expect([1n, 2n, 3n].every((id) => templates.find(id) !== undefined)).toBe(true);
    expect(templates.transactionData(1n).type).toBe('RequestTransactionData.Success');
  });

  it('does not send the same template again and again when every satoshi counts', () => {
    const templates = store(0n);
    templates.update(blockTemplate(paying(1_000n)), NOW);
    templates.setConstraints(1, constraints, NOW);
    templates.update(blockTemplate(paying(1_000n)), NOW);
    expect(templates.raiseFees()).toEqual([]);
    expect(sent(templates.setConstraints(2, constraints, NOW))).toEqual([[[2], 'future 1', 'tip 1']]);
    templates.update(blockTemplate(paying(1_001n)), NOW);
    expect(sent(templates.raiseFees())).toEqual([[[1, 2], 'current 2']]);
    expect(templates.raiseFees()).toEqual([]);
  });

  it('says nothing to nobody: groups whose clients are gone make no templates', () => {
    const templates = store();
    templates.update(blockTemplate(paying(1_000n)), NOW);
    templates.setConstraints(1, constraints, NOW);
    templates.setConstraints(2, moreRoom, NOW);
    templates.setConstraints(2, constraints, NOW);
    templates.update(blockTemplate(paying(9_000n)), NOW);
    expect(sent(templates.raiseFees())).toEqual([[[1, 2], 'current 4']]);
    templates.removeClient(1);
    templates.removeClient(2);
    templates.update(blockTemplate(paying(90_000n)), NOW);
    expect(templates.raiseFees()).toEqual([]);
    expect(templates.update(nextTip(1), NOW)).toEqual([]);
    expect(templates.size()).toMatchObject({ templates: 4, groups: 0, clients: 0 });
    // the first to come back is told alone
    expect(sent(templates.setConstraints(3, constraints, NOW))).toEqual([[[3], 'future 5', 'tip 5']]);
  });

  it('refuses a client that no block has room for, with words, and forgets it', () => {
    const templates = store();
    templates.update(blockTemplate(), NOW);
    templates.setConstraints(1, constraints, NOW);
    const tooMuch = { ...constraints, coinbaseOutputMaxAdditionalSize: 1_000_000 };
    expect(templates.setConstraints(1, tooMuch, NOW)).toEqual([
      {
        type: 'Refusal',
        clientIds: [1],
        message:
          'no block has room for 1000000 bytes and 0 sigops more: it may weigh 4000000 units, four a byte, and have 80000 sigops',
      },
    ]);
    expect(templates.update(nextTip(1), NOW)).toEqual([]);
    expect(templates.size()).toMatchObject({ groups: 0, clients: 0 });
  });

  it('refuses a client that asked for too much before there was a block to tell', () => {
    const templates = store();
    const manySigops = { ...constraints, coinbaseOutputMaxAdditionalSigops: 11 };
    templates.setConstraints(1, manySigops, NOW);
    templates.setConstraints(2, constraints, NOW);
    const outputs = templates.update(blockTemplate([], { sigopLimit: 10 }), NOW);
    expect(sent(outputs)).toEqual([
      [[1], expect.stringContaining('no block has room for 31 bytes and 11 sigops more')],
      [[2], 'future 1', 'tip 1'],
    ]);
    expect(templates.size()).toMatchObject({ groups: 1, clients: 1 });
  });

  it('sends a template when the chain goes back to the tip before, whose templates are good again', () => {
    const templates = store();
    templates.update(blockTemplate(), NOW);
    templates.setConstraints(1, constraints, NOW);
    templates.update(nextTip(1), NOW);
    expect(sent(templates.update(blockTemplate(), NOW + 9_000))).toEqual([[[1], 'future 3', 'tip 3']]);
    templates.update(blockTemplate(), NOW + 18_999);
    expect([1n, 2n, 3n].filter((id) => templates.find(id))).toEqual([1n, 2n, 3n]);
    templates.update(blockTemplate(), NOW + 19_000);
    expect([1n, 2n, 3n].filter((id) => templates.find(id))).toEqual([1n, 3n]);
    expect(templates.transactionData(1n).type).toBe('RequestTransactionData.Success');
  });
});

describe('the memory of a template store', () => {
  const known = (templates: ReturnType<typeof store>, ...ids: readonly bigint[]) =>
    ids.filter((id) => templates.find(id)?.templateId === id);

  it('has those that were left for ten seconds, however many tips there were since', () => {
    const templates = store();
    templates.update(blockTemplate(), NOW);
    templates.setConstraints(1, constraints, NOW);
    templates.update(nextTip(1), NOW + 1_000);
    templates.update(nextTip(2, 900_002), NOW + 2_000);
    templates.update(nextTip(2, 900_002), NOW + 10_999);
    expect(known(templates, 1n, 2n, 3n)).toEqual([1n, 2n, 3n]);
    templates.update(nextTip(2, 900_002), NOW + 11_000);
    expect(known(templates, 1n, 2n, 3n)).toEqual([2n, 3n]);
    templates.update(nextTip(2, 900_002), NOW + 12_000);
    expect(known(templates, 1n, 2n, 3n)).toEqual([3n]);
    templates.update(nextTip(2, 900_002), NOW + 100_000_000);
    expect(known(templates, 3n)).toEqual([3n]);
    expect(templates.size().templates).toBe(1);
  });

  it('has the templates of clients that are gone, for a block found in the meantime', () => {
    const templates = store();
    templates.update(blockTemplate(), NOW);
    templates.setConstraints(1, constraints, NOW);
    templates.removeClient(1);
    templates.update(blockTemplate(), NOW + 1_000_000);
    expect(known(templates, 1n)).toEqual([1n]);
    templates.update(nextTip(1), NOW + 1_000_000);
    templates.update(nextTip(1), NOW + 1_009_999);
    expect(known(templates, 1n)).toEqual([1n]);
    templates.update(nextTip(1), NOW + 1_010_000);
    expect(templates.size()).toEqual({ templates: 0, groups: 0, clients: 0 });
  });

  it('has all of the tip; when there are ten thousand no more are made until the tip changes', () => {
    const templates = store(1n);
    let fee = 1n;
    const raise = () => {
      templates.update(blockTemplate(paying(++fee)), NOW);
      return templates.raiseFees();
    };
    templates.update(blockTemplate(paying(fee)), NOW);
    templates.setConstraints(1, moreRoom, NOW);
    for (let id = 2; id <= maxTemplatesPerTip; id++) expect(raise()).toHaveLength(1);
    expect(raise()).toEqual([]);
    expect(known(templates, 1n, 2n, 65n, 5_000n, 10_000n)).toHaveLength(5);
    // whoever comes now shares what is there, if it leaves enough room; if not it waits
    expect(sent(templates.setConstraints(2, constraints, NOW))).toEqual([[[2], 'future 10000', 'tip 10000']]);
    const most = { ...constraints, coinbaseOutputMaxAdditionalSize: 1_001 };
    expect(templates.setConstraints(3, most, NOW)).toEqual([]);
    expect(templates.size()).toEqual({ templates: maxTemplatesPerTip, groups: 2, clients: 3 });
    expect(sent(templates.update(nextTip(1), NOW))).toEqual([
      [[1, 2], 'future 10001', 'tip 10001'],
      [[3], 'future 10002', 'tip 10002'],
    ]);
  });

  it('does not grow by clients that change what they want, or leave', () => {
    const templates = store();
    templates.update(blockTemplate(), NOW);
    for (let size = 1; size <= 300; size++) {
      templates.setConstraints(size % 3, { ...constraints, coinbaseOutputMaxAdditionalSize: size }, NOW);
    }
    expect(templates.size()).toEqual({ templates: 300, groups: 300, clients: 3 });
    templates.removeClient(2);
    templates.update(nextTip(1), NOW + 1);
    templates.update(nextTip(1), NOW + 10_001);
    expect(templates.size()).toEqual({ templates: 2, groups: 2, clients: 2 });
  });

  it('holds the transactions of many templates once', () => {
    const templates = store();
    const transactions = Array.from({ length: 50 }, (_, seed) => transaction(seed));
    templates.update(blockTemplate(transactions), NOW);
    templates.setConstraints(1, constraints, NOW);
    templates.setConstraints(2, moreRoom, NOW);
    expect(templates.find(2n)?.transactions).toBe(templates.find(1n)?.transactions);
    templates.update(blockTemplate([...transactions, transaction(50)]), NOW);
    templates.raiseFees();
    expect(templates.find(3n)?.transactions).toHaveLength(51);
    expect(templates.find(3n)?.transactions[7]).toBe(templates.find(1n)?.transactions[7]);
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
