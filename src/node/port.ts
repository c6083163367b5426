import { TransportError } from '../transport/errors.js';

/**
 * Requires a port.
 * @param lowest 0 where 0 means any free port, otherwise 1
 * @throws TransportError `invalid-option`
 */
export function requirePort(port: number, lowest: 0 | 1): void {
  if (Number.isInteger(port) && port >= lowest && port <= 65535) return;
  throw new TransportError(
    'invalid-option',
    `port must be a whole number from ${lowest} to 65535, got ${String(port)}`,
    { option: 'port', value: port },
  );
}
