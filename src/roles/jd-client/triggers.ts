/** What the two sides of a declaring client hand each other. */
import type { MiningToServer } from '../../messages/directions.js';
import type { Message } from '../../messages/registry.js';
import { defineTrigger } from '../../service/define-trigger.js';

/** The miners' side has said something; from the server to the client. */
export const MinersSaid = defineTrigger('MinersSaid', (message: MiningToServer) => ({ message }));

/** Messages for the miners' side; from the client to the server. */
export const ToMiners = defineTrigger('ToMiners', (messages: readonly Message[]) => ({ messages }));
