import { describe, expect, it } from '@jest/globals';
import { SubmitSolution } from '../../../src/messages/index.js';
import { ownTemplates } from '../../../src/roles/jd-client/own-templates.js';
import { NOW, NTIME, prevHashFor, template, zeros } from '../../mining/support.js';

/** Templates of a provider that is connected, with a template and its tip. */
const withTip = () => {
  const templates = ownTemplates();
  templates.connected(0, NOW);
  templates.take(template(7), NOW);
  return { templates, tip: templates.take(prevHashFor(7), NOW) };
};

const solution = SubmitSolution({
  ...{ templateId: 1n, version: 1, headerTimestamp: NTIME, headerNonce: 5 },
  coinbaseTx: zeros(1),
});

describe('what is no block but wanted by a template provider', () => {
  it('goes to the one whose template it is, by its own id, and is not kept for it', () => {
    const { templates } = withTip();
    expect(templates.say([solution], undefined, NOW)).toEqual({
      send: [{ ...solution, templateId: 7n }],
      outcomes: [],
    });
    templates.disconnected();
    expect(templates.say([solution], undefined, NOW)).toEqual({ send: [], outcomes: [] });
    expect(templates.connected(0, NOW).send).toEqual([]);
    expect(templates.say([solution], undefined, NOW).send).toEqual([{ ...solution, templateId: 7n }]);
    templates.connected(1, NOW);
    expect(templates.say([solution], undefined, NOW).send).toEqual([]);
  });
});

describe('the clock of a template provider', () => {
  it('is told once a connection when it is more than five minutes off', () => {
    const differs = { type: 'ClockDiffers', seconds: 400 };
    const { templates, tip } = withTip();
    expect(tip.outcomes).not.toContainEqual(differs);
    const ahead = (id: number) => {
      templates.take(template(id), NOW);
      return templates.take(prevHashFor(id, { headerTimestamp: NOW / 1000 + 400 }), NOW).outcomes;
    };
    expect(ahead(8)).toContainEqual(differs);
    expect(ahead(9)).not.toContainEqual(differs);
    templates.connected(0, NOW);
    expect(ahead(10)).toContainEqual(differs);
  });
});
