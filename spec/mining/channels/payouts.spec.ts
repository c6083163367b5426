import { describe, expect, it } from '@jest/globals';
import { assembleCoinbase, parseTransaction, type TxOut } from '../../../src/bitcoin/index.js';
import { concatBytes } from '../../../src/bitcoin/consensus-bytes.js';
import {
  blockHash,
  miningSetupFlags,
  type ClientChannel,
  type MiningServer,
  type PayoutOutputs,
} from '../../../src/index.js';
import { mineShare, NOW, openExtended, openStandard, outcomeOf, prevHashFor, sentTo } from '../support.js';
import { server, template, typesOf, wire } from '../support.js';

/** Pays the first letter of a user's name; those with the same share it. */
const payees = () => {
  const all = new Map<string, PayoutOutputs>();
  const made: string[] = [];
  return {
    made,
    payoutOf: (user: string) => {
      const name = user.slice(0, 1);
      if (name === 'x') return { reason: 'nobody is called x' };
      const known = all.get(name);
      if (known !== undefined) return known;
      const payout: PayoutOutputs = (value) => {
        made.push(name);
        return [{ value, scriptPubKey: Uint8Array.of(0x51, name.charCodeAt(0)) }];
      };
      all.set(name, payout);
      return payout;
    },
  };
};

const paidBy = (outputs: readonly TxOut[]): string => String.fromCharCode(outputs[0]?.scriptPubKey[1] ?? 0);

const begin = (mining: MiningServer) => [
  mining.newTemplate(template(1)),
  mining.setNewPrevHash(prevHashFor(1), NOW),
];

describe('channels of several payees', () => {
  it('have groups and jobs by whom they pay, and the server takes their shares for blocks that pay them', () => {
    const { made, payoutOf } = payees();
    const mining = server({ payoutOf, vardiff: false });
    const { send, receive, client } = wire(mining);
    begin(mining).forEach((output) => receive(output));
    const users = ['alice', 'bob', 'anna', 'carol', 'bert'];
    users.forEach((userIdentity, index) =>
      send(
        index % 2 === 0
          ? openExtended({ requestId: index + 1, userIdentity })
          : openStandard({ requestId: index + 1, userIdentity }),
      ),
    );
    const channels = [...client.channels.values()];
    const groups = channels.map(({ groupChannelId }) => groupChannelId);
    expect(groups[0]).toBe(groups[2]);
    expect(groups[1]).toBe(groups[4]);
    expect(new Set(groups).size).toBe(3);

    made.length = 0;
    const future = receive(mining.newTemplate(template(2)));
    expect(typesOf(sentTo(future))).toEqual(Array(3).fill('NewExtendedMiningJob'));
    expect(made.sort()).toEqual(['a', 'b', 'c']); // a coinbase each, beside the server's own
    const tip = receive(mining.setNewPrevHash(prevHashFor(2, { nBits: 0x207fffff }), NOW));
    expect(typesOf(sentTo(tip)).filter((type) => type === 'SetNewPrevHash')).toHaveLength(3);
    const late = receive(mining.newTemplate(template(3, { futureTemplate: false })));
    expect(typesOf(sentTo(late))).toEqual(Array(3).fill('NewExtendedMiningJob'));

    users.forEach((user, index) => {
      const channel = channels[index] as ClientChannel;
      const { message, hash } = mineShare(channel);
      const output = send(message);
      const found = outcomeOf(output, 'BlockFound');
      expect(found.hash).toEqual(hash);
      expect(blockHash(found.header)).toEqual(hash);
      expect(paidBy(parseTransaction(found.coinbaseTx).outputs)).toBe(user[0]);
      expect(paidBy(found.payout ?? [])).toBe(user[0]);
    });
  });

  it('of clients that require standard jobs have merkle roots of their own coinbases', () => {
    const { payoutOf } = payees();
    const mining = server({ payoutOf });
    const { send, receive, client } = wire(mining, 1, miningSetupFlags.requiresStandardJobs);
    begin(mining).forEach((output) => receive(output));
    ['alice', 'bob'].forEach((userIdentity, index) =>
      send(openStandard({ requestId: index + 1, userIdentity })),
    );
    receive(mining.newTemplate(template(2)));
    receive(mining.setNewPrevHash(prevHashFor(2, { nBits: 0x207fffff }), NOW));
    [...client.channels.values()].forEach((channel, index) => {
      const { coinbaseTx } = outcomeOf(send(mineShare(channel).message), 'BlockFound');
      expect(paidBy(parseTransaction(coinbaseTx).outputs)).toBe('ab'[index]);
    });
  });

  it('get other work for their targets that pays the same', () => {
    const { payoutOf } = payees();
    const mining = server({ payoutOf });
    const { send, receive, client } = wire(mining);
    begin(mining).forEach((output) => receive(output));
    ['alice', 'bob'].forEach((userIdentity, index) =>
      send(openExtended({ requestId: index + 1, userIdentity })),
    );
    for (const { channelId } of client.channels.values())
      receive(mining.setTarget(1, channelId, new Uint8Array(32).fill(0x7f)));
    const renewed = sentTo(receive(mining.renewJobs(NOW)));
    expect(typesOf(renewed)).toEqual(Array(2).fill('NewExtendedMiningJob'));
    const paid = renewed.map((message) => {
      if (message.type !== 'NewExtendedMiningJob') throw new Error('not a job');
      const parts = {
        coinbaseTxPrefix: message.coinbaseTxPrefix,
        coinbaseTxSuffix: message.coinbaseTxSuffix,
      };
      const [channel] = client.channels.values();
      const size = (channel?.extranoncePrefix.length ?? 0) + (channel?.extranonceSize ?? 0);
      return paidBy(parseTransaction(concatBytes([assembleCoinbase(parts, new Uint8Array(size))])).outputs);
    });
    expect(paid).toEqual(['a', 'b']);
  });

  it('are not put into one group, and nobody has one that can not be paid', () => {
    const { payoutOf } = payees();
    const mining = server({ payoutOf });
    const { send, client } = wire(mining);
    ['alice', 'bob', 'anna'].forEach((userIdentity, index) =>
      send(openExtended({ requestId: index + 1, userIdentity })),
    );
    const [alice = 0, bob = 0, anna = 0] = client.channels.keys();
    expect(() => mining.setGroupChannel(1, [alice, bob])).toThrow(
      expect.objectContaining({ code: 'group-not-allowed' }),
    );
    expect(typesOf(sentTo(mining.setGroupChannel(1, [alice, anna])))).toEqual(['SetGroupChannel']);
    expect(
      outcomeOf(send(openExtended({ requestId: 9, userIdentity: 'xaver' })), 'ChannelRefused'),
    ).toMatchObject({
      errorCode: 'unknown-user',
      reason: 'nobody is called x',
    });
  });
});
