/** Scripted miners of Stratum V1 over TCP. */
import { connect } from 'node:net';
import { setImmediate } from 'node:timers/promises';
import { sv1Device, type Sv1Report } from '../../devices/sv1/device.js';
import type { Sv1Firmware } from '../../devices/sv1/firmware.js';
import { patience } from './inbox.js';

/** What a device has to say of its server, and whether that has closed. */
export interface LiveReport extends Sv1Report {
  readonly isClosed: boolean;
}

/** Shares after which a device has seen enough. */
const enough = 3;

/** Hashes for a share, from which on a device in JavaScript would take too long. */
const reachable = 1e-5;

/** Nonces between two looks at the socket. */
const batch = 200;

/**
 * Runs a device until three of its shares are accepted, it is closed, or it has waited for as long as anything may.
 * @param address `host:port`
 */
export async function runSv1Device(
  address: string,
  firmware: Sv1Firmware,
  user: string,
): Promise<LiveReport> {
  const [host = '', port = ''] = address.split(':');
  const device = sv1Device(firmware, user);
  const socket = connect(Number(port), host);
  let isClosed = false;
  let rest = '';
  const say = (text: string) => void (text === '' || socket.write(text));
  socket.on('connect', () => say(device.start()));
  socket.on('data', (chunk) => {
    const lines = (rest + chunk.toString()).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) if (line.trim() !== '') say(device.receive(line));
  });
  socket.on('error', () => undefined);
  socket.on('close', () => (isClosed = true));
  const deadline = performance.now() + patience / 2;
  const isOver = (): boolean => {
    const { accepted, difficulty, jobs } = device.report();
    return isClosed || accepted >= enough || (jobs > 0 && difficulty > reachable);
  };
  let submitted = 0;
  while (!isOver() && performance.now() < deadline) {
    const { accepted, rejected } = device.report();
    // one at a time
    const line = submitted > accepted + rejected.length ? '' : device.mine(batch);
    if (line !== '') submitted += 1;
    say(line);
    await setImmediate();
  }
  // what is asked for behind that is answered, too
  for (const until = performance.now() + 1_000; !isClosed && performance.now() < until;) await setImmediate();
  socket.destroy();
  return { ...device.report(), isClosed };
}
