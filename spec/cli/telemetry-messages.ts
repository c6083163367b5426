/** What a user gives to `--messages`. */
import { U16 } from '../../src/codec/index.js';
import { defineMessage } from '../../src/messages/index.js';

export const Telemetry = defineMessage('Telemetry', {
  protocol: 'mining',
  sentBy: 'client',
  extensionType: 0x4001,
  messageType: 0,
  channelMessage: false,
  fields: { temperature: U16 },
});
