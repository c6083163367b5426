import { describe, expect, it } from '@jest/globals';
import type { DataType } from '../../src/codec/data-type.js';
import {
  CloseChannel,
  messageCreators,
  OpenMiningChannelError,
  OpenStandardMiningChannel,
  type Message,
} from '../../src/messages/index.js';
import { createClient, ServiceError } from '../../src/service/index.js';
import { outgoing } from '../../src/service/sessions/outgoing.js';
import { testConnector } from '../../src/testing/index.js';

describe('no text that is sent has a control character', () => {
  it.each([
    [OpenMiningChannelError({ requestId: 1, errorCode: 'unknown-user\n' }), 'errorCode', 'U+000A'],
    [CloseChannel({ channelId: 1, reasonCode: '\u0000' }), 'reasonCode', 'U+0000'],
    [CloseChannel({ channelId: 1, reasonCode: 'a\u007fb' }), 'reasonCode', 'U+007F'],
    [
      OpenStandardMiningChannel({
        requestId: 1,
        userIdentity: 'user.\u001b[31mrig',
        nominalHashRate: 1,
        maxTarget: new Uint8Array(32),
      }),
      'userIdentity',
      'U+001B',
    ],
  ])('%#: %o', (message: Message, field, character) => {
    expect(() => outgoing([message], [])).toThrow(
      `${message.type}.${field} contains the control character ${character}; expected printable text`,
    );
  });

  it('whatever the message', () => {
    const withText = messageCreators.flatMap((creator) =>
      Object.entries(creator.schema.fields as Record<string, DataType<unknown>>)
        .filter(([, { kind }]) => kind.is === 'text')
        .map(([field]) => [creator.type, field] as const),
    );
    expect(withText.length).toBeGreaterThan(10);
    for (const [type, field] of withText) {
      const good = { type, [field]: 'ümlaut.\u{1f600} ' } as unknown as Message;
      expect(outgoing([good], []).sendable).toEqual([good]);
      const bad = { type, [field]: 'tab\t' } as unknown as Message;
      expect(() => outgoing([bad], [])).toThrow(ServiceError);
    }
  });

  it('nor what a client says of itself', () => {
    for (const field of ['vendor', 'hardwareVersion', 'firmware', 'deviceId']) {
      const mining = { connect: testConnector([]), handler: (event$: unknown) => event$ as never };
      expect(() => createClient({ mining, device: { [field]: 'a\r\n' } })).toThrow(
        `client: mining: SetupConnection.${field} contains the control character U+000D`,
      );
    }
  });
});
