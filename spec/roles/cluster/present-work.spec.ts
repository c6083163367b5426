import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { Sv2Error } from '../../../src/codec/index.js';
import type { MiningServer } from '../../../src/mining/index.js';
import type { NewTemplate, SetNewPrevHashTemplate } from '../../../src/messages/template-distribution.js';
import { presentWork } from '../../../src/roles/cluster/present-work.js';
import {
  BalancesChanged,
  TemplateAged,
  TemplateArrived,
  TemplatePayout,
  TipArrived,
} from '../../../src/roles/pool/triggers.js';
import { hash, NOW, openExtended, prevHashFor, sentTo, server, template } from '../../mining/support.js';

type Told = ReturnType<typeof TemplateArrived | typeof TipArrived>;

/** Gives a mining server what it is told, as a pool does: what does not go together is left out. */
const tell = (core: MiningServer, triggers: readonly { readonly type: string }[]): void => {
  for (const trigger of triggers) {
    try {
      if (TemplateArrived.match(trigger)) core.newTemplate(trigger.template);
      else if (TipArrived.match(trigger)) core.setNewPrevHash(trigger.tip, NOW);
    } catch (error) {
      if (!(error instanceof Sv2Error)) throw error;
    }
  }
};

/** What a miner that connects now is given to do, but for the ids of jobs. */
const workOf = (core: MiningServer): unknown => {
  core.addClient(1, 0);
  const messages = sentTo(core.handle(1, openExtended(), NOW));
  core.removeClient(1);
  const names = new Map<unknown, number>();
  return messages
    .filter(({ type }) => type !== 'OpenExtendedMiningChannel.Success')
    .map((message) => {
      const fields = message as unknown as Record<string, unknown>;
      if (!names.has(fields['jobId'])) names.set(fields['jobId'], names.size);
      return { ...fields, jobId: names.get(fields['jobId']), channelId: 0, coinbaseTxPrefix: 0 };
    });
};

/** What a template provider may say, wisely or not: ids come again, tips name templates that nobody has. */
const told = fc.oneof(
  fc
    .record({
      id: fc.integer({ min: 1, max: 6 }),
      futureTemplate: fc.boolean(),
      value: fc.integer({ min: 1, max: 99 }),
    })
    .map(({ id, futureTemplate, value }): Told =>
      TemplateArrived(template(id, { futureTemplate, coinbaseTxValueRemaining: BigInt(value) })),
    ),
  fc
    .record({
      id: fc.integer({ min: 1, max: 7 }),
      block: fc.integer({ min: 1, max: 3 }),
      later: fc.integer({ min: 0, max: 2 }),
    })
    .map(({ id, block, later }): Told =>
      TipArrived(prevHashFor(id, { prevHash: hash(block), headerTimestamp: NOW / 1000 + later })),
    ),
);

describe('what a front hears that comes late', () => {
  it('puts it where those are that were there from the beginning, whatever was said before', () => {
    let busy = 0;
    fc.assert(
      fc.property(fc.array(told, { maxLength: 12 }), fc.array(told, { maxLength: 4 }), (before, after) => {
        const work = presentWork();
        for (const trigger of before) work.note(trigger);
        const [early, late] = [server(), server()];
        tell(early, before);
        tell(late, work.triggers());
        const now = workOf(late);
        expect(now).toEqual(workOf(early));
        if ((now as unknown[]).length > 0) busy += 1;
        tell(early, after);
        tell(late, after);
        expect(workOf(late)).toEqual(workOf(early));
      }),
      { seed: 20261127, numRuns: 300 },
    );
    expect(busy).toBeGreaterThan(100);
  });

  it('is the template as the pool got it, then the tip, then the newest', () => {
    const [first, newest, next] = [template(1), template(2, { futureTemplate: false }), template(3)];
    const tip = prevHashFor(1);
    const work = presentWork();
    const older = template(4, { futureTemplate: false });
    for (const trigger of [TemplateArrived(first), TipArrived(tip), TemplateArrived(older)])
      work.note(trigger);
    for (const trigger of [TemplateArrived(newest), TemplateArrived(next)]) work.note(trigger);
    const templateOf = (one: NewTemplate) => TemplateArrived(one);
    const tipOf = (one: SetNewPrevHashTemplate) => TipArrived(one);
    expect(work.triggers()).toEqual([templateOf(first), tipOf(tip), templateOf(newest), templateOf(next)]);
  });

  it('is what templates pay before them, and what is owed before all; of templates that are gone nothing', () => {
    const work = presentWork();
    const paysOf = (id: number) => TemplatePayout(BigInt(id), []);
    const [owed, less] = [BalancesChanged(new Map([['51', 7n]])), BalancesChanged(new Map())];
    for (const trigger of [owed, paysOf(1), TemplateArrived(template(1)), TipArrived(prevHashFor(1))])
      work.note(trigger);
    const newest = template(2, { futureTemplate: false });
    for (const trigger of [less, paysOf(2), TemplateArrived(newest), paysOf(3), TemplateArrived(template(3))])
      work.note(trigger);
    expect(work.triggers()).toEqual([
      less,
      ...[paysOf(1), TemplateArrived(template(1)), TipArrived(prevHashFor(1))],
      ...[paysOf(2), TemplateArrived(newest)],
      ...[paysOf(3), TemplateArrived(template(3))],
    ]);
    work.note(TipArrived(prevHashFor(3)));
    const now = [less, paysOf(3), TemplateArrived(template(3)), TipArrived(prevHashFor(3))];
    expect(work.triggers()).toEqual(now);
    work.note(paysOf(4)); // its template is about to come
    expect(work.triggers()).toEqual(now);
    work.note(TemplateArrived(template(4)));
    expect(work.triggers()).toEqual([...now, paysOf(4), TemplateArrived(template(4))]);
  });

  it('says that templates are old as long as they are', () => {
    const work = presentWork();
    expect(work.triggers()).toEqual([]);
    work.note(TemplateAged(true));
    expect(work.triggers()).toEqual([TemplateAged(true)]);
    work.note(TemplateAged(false));
    expect(work.triggers()).toEqual([]);
  });

  it('takes bounded memory, however many templates come for the next block', () => {
    const work = presentWork();
    for (let id = 1; id <= 1_000; id++) work.note(TemplateArrived(template(id)));
    expect(work.triggers()).toHaveLength(16);
    for (let id = 1; id <= 1_000; id++)
      for (const trigger of [TemplatePayout(BigInt(id), []), TemplateArrived(template(id))])
        work.note(trigger);
    expect(work.triggers()).toHaveLength(32);
  });
});
