/** Whether what an output script holds can ever be spent, as far as the script alone shows. */

/** Larger scripts fail (Bitcoin Core, `MAX_SCRIPT_SIZE`). */
const maxScriptSize = 10_000;

const OP_0 = 0x00;
const OP_PUSHDATA1 = 0x4c;
const OP_PUSHDATA4 = 0x4e;
const OP_1 = 0x51;
const OP_16 = 0x60;
const OP_RETURN = 0x6a;

/**
 * Why nobody, or everybody, can spend an output with this script: in words, such as "nobody can spend it: it begins with
 * OP_RETURN"; undefined when it seems in order. Scripts are not run: it may be impossible to spend for other reasons.
 * @param script scriptPubKey
 */
export function spendabilityProblem(script: Uint8Array): string | undefined {
  const nobody = (why: string) => `nobody can spend it: ${why}`;
  const [first, second] = script;
  if (first === undefined) return 'anybody can spend it: it is empty';
  if (first === OP_RETURN) return nobody('it begins with OP_RETURN');
  if (script.length > maxScriptSize)
    return nobody(`it has ${script.length} bytes, of at most ${maxScriptSize}`);
  // witness version 0 takes 20 or 32 bytes (BIP 141)
  if (
    first === OP_0 &&
    second === script.length - 2 &&
    second >= 2 &&
    second <= 40 &&
    second !== 20 &&
    second !== 32
  )
    return nobody(`its witness program has ${second} bytes, not 20 or 32 (BIP 141)`);
  if (script.length === 1 && first >= OP_1 && first <= OP_16) return 'anybody can spend it: it is true';
  if (pushesPastItsEnd(script)) return nobody('it ends within a push');
  if (first === OP_0 && script.length === 1) return nobody('it is false');
  return undefined;
}

/** Whether the last push of a script says more bytes than there are. */
function pushesPastItsEnd(script: Uint8Array): boolean {
  let offset = 0;
  while (offset < script.length) {
    const opcode = script[offset++] ?? 0;
    if (opcode > 0 && opcode < OP_PUSHDATA1) offset += opcode;
    else if (opcode >= OP_PUSHDATA1 && opcode <= OP_PUSHDATA4) {
      const size = 1 << (opcode - OP_PUSHDATA1);
      let length = 0;
      for (let index = size - 1; index >= 0; index--) length = length * 256 + (script[offset + index] ?? 0);
      offset += size + length;
    }
  }
  return offset > script.length;
}
