import { afterEach, expect, it } from '@jest/globals';
import { asyncScheduler, firstValueFrom } from 'rxjs';
import { reachablePlaces } from '../../../src/node/cluster/reachable-places.js';
import { eventually, handles, rawServer } from '../support.js';

afterEach(async () => {
  await eventually(() => handles().length === 0);
});

const reached = (places: Parameters<typeof reachablePlaces>[0]) =>
  firstValueFrom(reachablePlaces(places, 5_000, asyncScheduler));

/** A place where somebody was, and nobody is. */
const nobody = async () => {
  const { server, host, port } = await rawServer(() => undefined);
  await new Promise((resolve) => server.close(resolve));
  return { host, port };
};

it('are those where somebody is', async () => {
  let visitors = 0;
  const { server, host, port } = await rawServer((socket) => {
    visitors += 1;
    socket.on('close', () => server.close());
  });
  expect(await reached([await nobody(), { host, port }])).toEqual([{ host, port }]);
  await eventually(() => visitors === 1);
});

it('are all where nobody is, and none of none', async () => {
  const places = [await nobody(), await nobody()];
  expect(await reached(places)).toEqual(places);
  expect(await reached([])).toEqual([]);
});
