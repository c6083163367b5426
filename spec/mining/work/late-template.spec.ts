import { describe, expect, it } from '@jest/globals';
import {
  mineShare,
  NOW,
  openStandard,
  outcomeOf,
  prevHashFor,
  REQUIRES_STANDARD_JOBS,
  sentTo,
  server,
  template,
  typesOf,
  wireChannel,
} from '../support.js';

describe.each([0, REQUIRES_STANDARD_JOBS])('a tip whose first template comes late (flags %d)', (flags) => {
  const onNewTip = () => {
    const miningServer = server();
    miningServer.newTemplate(template(1));
    miningServer.setNewPrevHash(prevHashFor(1), NOW);
    const wired = wireChannel(miningServer, openStandard(), { flags });
    const old = mineShare(wired.channel).message;
    wired.receive(miningServer.setNewPrevHash(prevHashFor(7), NOW));
    return { miningServer, old, ...wired };
  };

  it('does not make the jobs before it unknown: their shares stay stale', () => {
    const { miningServer, old, send, receive } = onNewTip();
    expect(outcomeOf(send(old), 'ShareRejected').errorCode).toBe('stale-share');
    receive(miningServer.newTemplate(template(8, { futureTemplate: false })));
    expect(outcomeOf(send(old), 'ShareRejected').errorCode).toBe('stale-share');
  });

  it('leaves clients the jobs for the tip after it', () => {
    const { miningServer, channel, send, receive } = onNewTip();
    receive(miningServer.newTemplate(template(9)));
    const output = receive(miningServer.newTemplate(template(8, { futureTemplate: false })));
    const job = flags === 0 ? 'NewExtendedMiningJob' : 'NewMiningJob';
    expect(typesOf(sentTo(output))).toEqual([job, 'SetNewPrevHash', job]);
    receive(miningServer.setNewPrevHash(prevHashFor(9), NOW));
    const { message, work } = mineShare(channel);
    expect(work.prevHash).toEqual(prevHashFor(9).prevHash);
    outcomeOf(send(message), 'ShareAccepted');
  });
});
