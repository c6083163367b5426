/** What answers to a miner say about it: refusals are nonsense, accepted shares earn. */
import type { Message } from '../../messages/registry.js';
import { earned, nonsense, type ServerEffect } from '../../service/effects.js';

/**
 * Adds the effects that count what a client was refused and what it has proved.
 * @param messages what it is sent
 */
export function judge(
  clientId: number,
  messages: readonly Message[],
  effects: Pick<ServerEffect[], 'push'>,
): void {
  let refused = 0;
  for (const message of messages) {
    switch (message.type) {
      case 'SubmitShares.Success':
        effects.push(earned(clientId, message.newSubmitsAcceptedCount));
        break;
      case 'SubmitShares.Error':
      case 'OpenMiningChannel.Error':
      case 'UpdateChannel.Error':
      case 'SetCustomMiningJob.Error':
        refused += 1;
    }
  }
  if (refused > 0) effects.push(nonsense(clientId, refused));
}
