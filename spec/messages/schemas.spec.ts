import { describe, expect, it, test } from '@jest/globals';
import type { DataType } from '../../src/codec/index.js';
import {
  creatorByNumbers,
  creatorByType,
  maxPayloadSize,
  messageCreators,
  type MessageCreator,
} from '../../src/messages/index.js';

type Row = readonly [
  messageType: number,
  channelBit: 0 | 1,
  name: string,
  sentBy: 'client' | 'server' | 'both',
];

/** Spec chapter 8; who sends is from the headings of chapters 3 and 5 to 7. */
const core: readonly Row[] = [
  [0x00, 0, 'SetupConnection', 'client'],
  [0x01, 0, 'SetupConnection.Success', 'server'],
  [0x02, 0, 'SetupConnection.Error', 'server'],
  [0x03, 1, 'ChannelEndpointChanged', 'server'],
  [0x04, 0, 'Reconnect', 'server'],
  [0x10, 0, 'OpenStandardMiningChannel', 'client'],
  [0x11, 0, 'OpenStandardMiningChannel.Success', 'server'],
  [0x12, 0, 'OpenMiningChannel.Error', 'server'],
  [0x13, 0, 'OpenExtendedMiningChannel', 'client'],
  [0x14, 0, 'OpenExtendedMiningChannel.Success', 'server'],
  [0x15, 1, 'NewMiningJob', 'server'],
  [0x16, 1, 'UpdateChannel', 'client'],
  [0x17, 1, 'UpdateChannel.Error', 'server'],
  [0x18, 1, 'CloseChannel', 'both'],
  [0x19, 1, 'SetExtranoncePrefix', 'server'],
  [0x1a, 1, 'SubmitSharesStandard', 'client'],
  [0x1b, 1, 'SubmitSharesExtended', 'client'],
  [0x1c, 1, 'SubmitShares.Success', 'server'],
  [0x1d, 1, 'SubmitShares.Error', 'server'],
  [0x1f, 1, 'NewExtendedMiningJob', 'server'],
  [0x20, 1, 'SetNewPrevHash', 'server'],
  [0x21, 1, 'SetTarget', 'server'],
  [0x22, 1, 'SetCustomMiningJob', 'client'],
  [0x23, 1, 'SetCustomMiningJob.Success', 'server'],
  [0x24, 1, 'SetCustomMiningJob.Error', 'server'],
  [0x25, 0, 'SetGroupChannel', 'server'],
  [0x50, 0, 'AllocateMiningJobToken', 'client'],
  [0x51, 0, 'AllocateMiningJobToken.Success', 'server'],
  [0x55, 0, 'ProvideMissingTransactions', 'server'],
  [0x56, 0, 'ProvideMissingTransactions.Success', 'client'],
  [0x57, 0, 'DeclareMiningJob', 'client'],
  [0x58, 0, 'DeclareMiningJob.Success', 'server'],
  [0x59, 0, 'DeclareMiningJob.Error', 'server'],
  [0x60, 0, 'PushSolution', 'client'],
  [0x70, 0, 'CoinbaseOutputConstraints', 'client'],
  [0x71, 0, 'NewTemplate', 'server'],
  [0x72, 0, 'SetNewPrevHash', 'server'],
  [0x73, 0, 'RequestTransactionData', 'client'],
  [0x74, 0, 'RequestTransactionData.Success', 'server'],
  [0x75, 0, 'RequestTransactionData.Error', 'server'],
  [0x76, 0, 'SubmitSolution', 'client'],
];

/** Extension 0x0001 §3. */
const extensionNegotiation: readonly Row[] = [
  [0x00, 0, 'RequestExtensions', 'client'],
  [0x01, 0, 'RequestExtensions.Success', 'server'],
  [0x02, 0, 'RequestExtensions.Error', 'server'],
];

describe('the messages', () => {
  it('are the 44 of chapter 8 and extension 0x0001, in that order', () => {
    const declared = messageCreators.map(({ schema }) => [
      schema.extensionType,
      schema.messageType,
      schema.channelMessage ? 1 : 0,
      schema.name,
      schema.sentBy,
    ]);
    expect(declared).toEqual([
      ...core.map((row) => [0, ...row]),
      ...extensionNegotiation.map((row) => [1, ...row]),
    ]);
    expect(declared).toHaveLength(44);
  });

  it('belong to common 5, mining 21, job declaration 8, template distribution 7, extensions 3', () => {
    const count = (protocol: string) =>
      messageCreators.filter(({ schema }) => schema.protocol === protocol).length;
    expect(['common', 'mining', 'jobDeclaration', 'templateDistribution', 'extensions'].map(count)).toEqual([
      5, 21, 8, 7, 3,
    ]);
  });

  it('have types of their own, the name wherever that is unique', () => {
    expect(new Set(messageCreators.map(({ type }) => type)).size).toBe(44);
    expect(
      messageCreators.filter(({ type, schema }) => type !== schema.name).map(({ type }) => type),
    ).toEqual(['TemplateDistribution.SetNewPrevHash']);
  });

  it('start with the channel id where the channel_msg bit is set, and only there (§3.2.1)', () => {
    for (const { schema } of messageCreators) {
      expect([schema.type, Object.keys(schema.fields)[0] === 'channelId']).toEqual([
        schema.type,
        schema.channelMessage,
      ]);
    }
  });

  it('are found by numbers, channel bit or not, and by type', () => {
    for (const creator of messageCreators) {
      const { extensionType, messageType } = creator.schema;
      expect(creatorByNumbers(extensionType, messageType)).toBe(creator);
      expect(creatorByNumbers(extensionType | 0x8000, messageType)).toBe(creator);
      expect(creatorByType(creator.type)).toBe(creator);
    }
    expect(creatorByNumbers(0, 0x1e)).toBeUndefined();
    expect(creatorByNumbers(2, 0)).toBeUndefined();
    expect(creatorByType('Nonsense')).toBeUndefined();
  });
});

const frameLimit = 0xffffff;

describe.each(messageCreators.map((creator) => [creator.type, creator] as const))(
  'the sizes of %s',
  (_, creator) => {
    it('are those of its smallest and largest encoding', () => {
      expect(creator.encode(extreme(creator, 'min') as never).length).toBe(creator.schema.minSize);
      const largest = extreme(creator, 'max');
      if (creator.schema.maxSize < frameLimit) {
        expect(creator.encode(largest as never).length).toBe(creator.schema.maxSize);
      } else {
        expect(() => creator.encode(largest as never)).toThrow(
          /a payload holds at most 16777215 bytes, this one needs \d+/,
        );
      }
    });
  },
);

function extreme(creator: MessageCreator, which: 'min' | 'max'): unknown {
  const fields = Object.entries(creator.schema.fields as Record<string, DataType<unknown>>);
  return creator(
    Object.fromEntries(fields.map(([name, type]) => [name, extremeValue(type, which)])) as never,
  );
}

function extremeValue({ kind }: DataType<unknown>, which: 'min' | 'max'): unknown {
  const max = which === 'max';
  switch (kind.is) {
    case 'boolean':
      return max;
    case 'integer':
    case 'bigint':
      return max ? kind.max : typeof kind.max === 'bigint' ? 0n : 0;
    case 'float':
      return 0;
    case 'text':
      return max ? 'x'.repeat(kind.maxLength) : '';
    case 'bytes':
      return bytesOf(max ? kind.maxLength : kind.minLength);
    case 'option':
      return max ? extremeValue(kind.of, which) : null;
    case 'sequence':
      return max ? new Array(kind.maxCount).fill(extremeValue(kind.of, which)) : [];
  }
}

const largeBytes = new Uint8Array(frameLimit);
const bytesOf = (length: number) => largeBytes.subarray(0, length);

test('messages with a list of transactions reach the limit of a frame exactly', () => {
  const success = creatorByType('RequestTransactionData.Success') as MessageCreator;
  const overhead = 8 + 2 + 2 + 3;
  const of = (length: number) =>
    success({ templateId: 0n, excessData: bytesOf(0), transactionList: [bytesOf(length)] } as never);
  const payload = success.encode(of(frameLimit - overhead) as never);
  expect(payload.length).toBe(frameLimit);
  expect(success.size(success.decode(payload) as never)).toBe(frameLimit);
  expect(() => success.encode(of(frameLimit - overhead + 1) as never)).toThrow('this one needs 16777216');
});

test('the largest payload of a connection has room for its largest message and TLVs', () => {
  const requestExtensions = 2 + 2 + 2 * 0xffff;
  expect(maxPayloadSize('mining', 'client')).toBe(requestExtensions + 1024);
  expect(maxPayloadSize('mining', 'server')).toBe(SetGroupChannelSize + 1024);
  expect(maxPayloadSize('templateDistribution', 'client')).toBe(requestExtensions + 1024);
  expect(maxPayloadSize('templateDistribution', 'server')).toBe(frameLimit);
  expect(maxPayloadSize('jobDeclaration', 'client')).toBe(frameLimit);
  expect(maxPayloadSize('jobDeclaration', 'server')).toBe(requestExtensionsError + 1024);
});
const SetGroupChannelSize = 4 + 2 + 4 * 0xffff;
const requestExtensionsError = 2 + 2 * (2 + 2 * 0xffff);
