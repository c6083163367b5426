import { describe, expect, it } from '@jest/globals';

import { CloseChannel, SetGroupChannel } from '../../../src/messages/index.js';
import { encodeFrame } from '../../../src/framing/frame.js';
import { codeOf } from '../../bitcoin/support.js';
import {
  mineShare,
  NOW,
  openExtended,
  openStandard,
  outcomeOf,
  prevHashFor,
  sentTo,
  server,
  template,
  typesOf,
  wire,
  REQUIRES_STANDARD_JOBS,
} from '../support.js';

/** A client with standard channels 2 and 4, and extended ones 3 and 5, in group 1. */
const setUp = (flags = 0) => {
  const miningServer = server();
  miningServer.newTemplate(template(1));
  miningServer.setNewPrevHash(prevHashFor(1), NOW);
  const wired = wire(miningServer, 1, flags);
  for (const requestId of [1, 2, 3, 4]) {
    const isStandard = requestId % 2 === 1 || flags !== 0;
    wired.send(isStandard ? openStandard({ requestId }) : openExtended({ requestId }));
  }
  return { miningServer, ...wired, channels: [...wired.client.channels.values()] };
};

describe('a group', () => {
  it('has an id that no channel has, and channels with extranonces of one full size (§5.2.3)', () => {
    const { channels } = setUp();
    const groups = new Set(channels.map(({ groupChannelId }) => groupChannelId));
    const ids = new Set(channels.map(({ channelId }) => channelId));
    expect(groups.size).toBe(1);
    expect(ids.size).toBe(4);
    expect([...groups].some((id) => ids.has(id))).toBe(false);
    const sizes = channels.map(
      ({ extranoncePrefix, extranonceSize }) => extranoncePrefix.length + extranonceSize,
    );
    expect(new Set(sizes)).toEqual(new Set([20]));
  });

  it('has jobs that all its channels find shares for', () => {
    const { miningServer, channels, send, receive } = setUp();
    receive(miningServer.newTemplate(template(2)));
    receive(miningServer.setNewPrevHash(prevHashFor(2), NOW));
    receive(miningServer.newTemplate(template(3, { futureTemplate: false })));
    for (const channel of channels) {
      expect(channel.jobs.active?.jobId).toBe(3);
      const { message, hash } = mineShare(channel);
      expect(outcomeOf(send(message), 'ShareAccepted').hash).toEqual(hash);
    }
  });

  it('is told in frames of 8 KiB at most, however many channels it has', () => {
    const miningServer = server({ maxChannelsPerClient: 5_000 });
    miningServer.newTemplate(template(1));
    miningServer.setNewPrevHash(prevHashFor(1), NOW);
    const { client, send, receive } = wire(miningServer);
    for (let requestId = 1; requestId <= 4_500; requestId++) send(openStandard({ requestId }));
    const channelIds = [...client.channels.keys()];
    const told = sentTo(receive(miningServer.setGroupChannel(1, channelIds)));
    const sizes = told.map((message) => encodeFrame(message).length);
    expect(sizes).toHaveLength(3);
    expect(Math.max(...sizes)).toBeGreaterThan(8_192 - 4);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(8_192);
    expect(told.flatMap((message) => (message.type === 'SetGroupChannel' ? message.channelIds : []))).toEqual(
      channelIds,
    );
    expect(new Set([...client.channels.values()].map(({ groupChannelId }) => groupChannelId)).size).toBe(1);
    const jobs = sentTo(receive(miningServer.newTemplate(template(2, { futureTemplate: false }))));
    expect(jobs).toHaveLength(1);
    for (const { jobs: known } of client.channels.values()) expect(known.active?.jobId).toBe(2);
    expect(sentTo(miningServer.setGroupChannel(1, []))).toMatchObject([{ channelIds: [] }]);
  });

  it('closes with all its channels when the client closes it (§5.3.9)', () => {
    const { miningServer, channels, send } = setUp();
    const channelId = channels[0]!.groupChannelId;
    const output = send(CloseChannel({ channelId, reasonCode: 'maintenance' }));
    expect(output.messages).toEqual([]);
    expect(output.outcomes).toMatchObject(
      channels.map((channel) => ({
        type: 'ChannelClosed',
        channelId: channel.channelId,
        reason: 'maintenance',
      })),
    );
    expect([...miningServer.channels()]).toEqual([]);
    expect(miningServer.newTemplate(template(2)).messages).toEqual([]);
  });

  it('closes with all its channels when the server closes it', () => {
    const { miningServer, channels, client, receive } = setUp();
    const channelId = channels[0]!.groupChannelId;
    const output = receive(miningServer.closeChannel(1, channelId, 'pool-closing'));
    expect(sentTo(output)).toEqual([CloseChannel({ channelId, reasonCode: 'pool-closing' })]);
    expect(output.outcomes).toHaveLength(4);
    expect(client.channels.size).toBe(0);
  });

  it('goes on without a channel that closes', () => {
    const { miningServer, channels, client, send, receive } = setUp();
    const [first, second] = channels;
    send(CloseChannel({ channelId: first!.channelId, reasonCode: '' }));
    client.close(first!.channelId);
    receive(miningServer.newTemplate(template(2, { futureTemplate: false })));
    outcomeOf(send(mineShare(second!).message), 'ShareAccepted');
    const late = miningServer.handle(1, mineShare(first!).message, NOW);
    expect(outcomeOf(late, 'ShareRejected').errorCode).toBe('invalid-channel-id');
  });

  it('does not come with a CloseChannel for something unknown', () => {
    const { miningServer, send } = setUp();
    expect(send(CloseChannel({ channelId: 99, reasonCode: '' }))).toEqual({ messages: [], outcomes: [] });
    expect([...miningServer.channels()]).toHaveLength(4);
  });
});

describe('SetGroupChannel', () => {
  it('puts channels into a new group, which gets its jobs once (§5.3.22)', () => {
    const { miningServer, channels, send, receive } = setUp();
    const before = channels[0]!.groupChannelId;
    const moved = channels.slice(0, 2);
    const channelIds = moved.map(({ channelId }) => channelId);
    const output = receive(miningServer.setGroupChannel(1, channelIds));
    const { groupChannelId } = moved[0]!;
    expect(sentTo(output)).toEqual([SetGroupChannel({ groupChannelId, channelIds })]);
    expect(channels.map((channel) => channel.groupChannelId === before)).toEqual([false, false, true, true]);
    expect(channels.map(({ channelId }) => channelId)).not.toContain(groupChannelId);

    const jobs = receive(miningServer.newTemplate(template(2, { futureTemplate: false })));
    expect(sentTo(jobs)).toMatchObject([{ channelId: before }, { channelId: groupChannelId }]);
    for (const channel of channels) outcomeOf(send(mineShare(channel).message), 'ShareAccepted');

    receive(
      miningServer.setGroupChannel(
        1,
        channels.map(({ channelId }) => channelId),
      ),
    );
    expect(sentTo(miningServer.newTemplate(template(3)))).toHaveLength(1); // the groups left empty are gone
  });

  it('brings the new group the future jobs, so that job and SetNewPrevHash come by one id', () => {
    const { miningServer, channels, send, receive } = setUp();
    const [stayed] = channels;
    receive(miningServer.newTemplate(template(2)));
    const moved = channels.slice(1);
    const output = receive(
      miningServer.setGroupChannel(
        1,
        moved.map(({ channelId }) => channelId),
      ),
    );
    const { groupChannelId } = moved[0]!;
    expect(sentTo(output).slice(1)).toMatchObject([
      { type: 'NewExtendedMiningJob', channelId: groupChannelId, jobId: 2, minNtime: null },
    ]);
    const ids = sentTo(receive(miningServer.setNewPrevHash(prevHashFor(2), NOW)));
    expect(ids).toMatchObject([{ channelId: stayed!.groupChannelId }, { channelId: groupChannelId }]);
    for (const channel of channels) outcomeOf(send(mineShare(channel).message), 'ShareAccepted');
  });

  it('does not matter to channels that were opened after the job: they had it by their own ids', () => {
    const miningServer = server();
    miningServer.newTemplate(template(1));
    miningServer.setNewPrevHash(prevHashFor(1), NOW);
    miningServer.newTemplate(template(2));
    const { send, receive, client } = wire(miningServer);
    for (const requestId of [1, 2]) send(openStandard({ requestId }));
    const ids = [...client.channels.keys()];
    const activated = sentTo(receive(miningServer.setNewPrevHash(prevHashFor(2), NOW)));
    expect(activated).toMatchObject(
      ids.map((channelId) => ({ type: 'SetNewPrevHash', channelId, jobId: 2 })),
    );
    for (const channel of client.channels.values())
      outcomeOf(send(mineShare(channel).message), 'ShareAccepted');
  });

  it('is not for clients that require standard jobs', () => {
    const { miningServer, channels } = setUp(REQUIRES_STANDARD_JOBS);
    expect(codeOf(() => miningServer.setGroupChannel(1, [channels[0]!.channelId]))).toBe('group-not-allowed');
  });

  it('needs channels that are open, or nothing moves', () => {
    const { miningServer, channels } = setUp();
    const { channelId } = channels[0]!;
    expect(codeOf(() => miningServer.setGroupChannel(1, [channelId, 99]))).toBe('unknown-channel');
    expect(sentTo(miningServer.newTemplate(template(2)))).toHaveLength(1);
  });
});

it('a client that requires standard jobs never gets an extended one', () => {
  const { miningServer } = setUp(REQUIRES_STANDARD_JOBS);
  const messages = [
    miningServer.newTemplate(template(2)),
    miningServer.setNewPrevHash(prevHashFor(2), NOW),
    miningServer.newTemplate(template(3, { futureTemplate: false })),
  ].flatMap((output) => sentTo(output));
  expect(new Set(typesOf(messages))).toEqual(new Set(['NewMiningJob', 'SetNewPrevHash']));
});
