/** Devices like Bitaxe's firmware and the reference's translator at `sv2 pool`, over sockets and in real time. */
import { afterEach, expect, it } from '@jest/globals';
import { Subject, type Subscription } from 'rxjs';
import { bitaxe } from '../../devices/bitaxe.js';
import { device } from '../../devices/device.js';
import type { DeviceOutcome, Firmware } from '../../devices/firmware.js';
import { noiseLine } from '../../devices/noise-line.js';
import { translator } from '../../devices/translator.js';
import { authority } from '../support/ours.js';
import { inbox } from '../support/inbox.js';
import { startPool, startTemplateProvider } from '../support/network.js';
import { temporaryDirectory } from '../support/node.js';
import { stopPrograms } from '../support/process.js';

const directory = temporaryDirectory();
const running: Subscription[] = [];

afterEach(async () => {
  for (const subscription of running.splice(0)) subscription.unsubscribe();
  await stopPrograms();
  directory.remove();
});

const hashesPerSecond = 50_000;

/** Runs a device, and lets one wait for what happens to it. */
const start = (name: string, address: () => string, firmware: Firmware) => {
  const outcomes = inbox<DeviceOutcome>(name);
  const rejected: string[] = [];
  const notUnderstood: DeviceOutcome[] = [];
  let accepted = 0;
  const accepted$ = new Subject<number>();
  const outcome$ = device(noiseLine(address, authority.publicKey), firmware, hashesPerSecond);
  running.push(
    outcome$.subscribe((outcome) => {
      outcomes.push(outcome);
      if (outcome.type === 'Rejected') rejected.push(outcome.errorCode);
      if (outcome.type === 'Ignored' || outcome.type === 'Dropped') notUnderstood.push(outcome);
      if (outcome.type === 'Accepted') accepted$.next((accepted += outcome.count));
    }),
  );
  const next = (type: DeviceOutcome['type']) => outcomes.take(type, (outcome) => outcome.type === type);
  return {
    next,
    rejected,
    notUnderstood,
    /** Forgets what has happened so far. */
    forget: async () => {
      while (outcomes.rest.length > 0) await outcomes.take('anything', () => true);
    },
    /** Waits for so many acknowledgements more. */
    acknowledgements: async (count: number) => {
      for (let taken = 0; taken < count; taken++) await next('Accepted');
    },
  };
};

it('they mine through tips, a template provider that is away, a pool that starts anew and one that hangs', async () => {
  const settings = [
    'nbits = "1f00ffff"',
    'block_interval = 2',
    'transactions_per_second = 2',
    'min_interval = 1',
  ];
  const poolSettings = [
    'coinbase_reward_script = "raw(51)"',
    'shares_per_minute = 60',
    'share_batch_size = 1',
  ];
  const provider = await startTemplateProvider(directory.path, ...settings);
  let pool = await startPool(directory.path, provider, ...poolSettings);
  const maxSilence = 8_000;
  const firmwares: Readonly<Record<string, Firmware>> = {
    'Bitaxe, standard': { ...bitaxe('standard'), maxSilence },
    'Bitaxe, extended': { ...bitaxe('extended'), maxSilence },
    translator: { ...translator(hashesPerSecond), maxSilence, updateInterval: 1_000 },
  };
  const devices = Object.entries(firmwares).map(([name, firmware]) =>
    start(name, () => pool.address, firmware),
  );
  const all = (does: (one: (typeof devices)[number]) => Promise<unknown>) => Promise.all(devices.map(does));

  await all(async (one) => {
    await one.next('Opened');
    await one.acknowledgements(5);
  });

  await all((one) => one.forget());
  await pool.sv2.program.stop('SIGKILL');
  await all((one) => one.next('Disconnected'));
  pool = await startPool(directory.path, provider, ...poolSettings);
  await all(async (one) => {
    await one.next('Opened');
    await one.acknowledgements(5);
  });

  // while it hangs, sockets stay open and nothing is said
  pool.sv2.program.process.kill('SIGSTOP');
  await all(async (one) => {
    await one.forget();
    await one.next('Disconnected');
  });
  pool.sv2.program.process.kill('SIGCONT');
  await all(async (one) => {
    await one.next('Opened');
    await one.acknowledgements(2);
  });

  await provider.sv2.program.stop('SIGKILL');
  await pool.sv2.line(/^no connection to the template provider/);
  await all(async (one) => {
    await one.forget();
    await one.acknowledgements(2);
  });

  for (const { rejected, notUnderstood } of devices) {
    expect(notUnderstood).toEqual([]);
    // those that a new tip overtook
    expect(rejected.filter((errorCode) => errorCode !== 'stale-share')).toEqual([]);
  }
});
