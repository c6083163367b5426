import { expect, test } from '@jest/globals';
import { sourceOf } from '../../src/transport/source.js';

test.each([
  ['192.0.2.7:34254', '192.0.2.7'],
  ['[2001:db8:1:2:3:4:5:6]:34254', '2001:db8:1:2::/64'],
  ['[2001:db8:1:2::6]:34255', '2001:db8:1:2::/64'],
  ['[2001:0DB8:1:2:ffff::]:1', '2001:db8:1:2::/64'],
  ['[2001:db8::1]:1', '2001:db8:0:0::/64'],
  ['[::1]:34254', '0:0:0:0::/64'],
  ['[fe80::1%eth0]:1', 'fe80:0:0:0::/64'],
  ['[::ffff:192.0.2.7]:34254', '192.0.2.7'],
  ['client 1', 'client 1'],
  ['memory', 'memory'],
  ['pool.example:34254', 'pool.example'],
])('the source of %s is %s', (address, source) => {
  expect(sourceOf(address)).toBe(source);
});
