/**
 * The difficulty in a password: miners that can say nothing else of it write `d=5000` or `diff=0.01` there, among
 * other words for other pools.
 * @returns a finite number above 0; null if there is none
 */
export function difficultyInPassword(password: string | null): number | null {
  for (const word of (password ?? '').split(/[,;\s]+/)) {
    const [, digits] = /^(?:d|diff|difficulty)=(\d+(?:\.\d+)?(?:e[+-]?\d{1,3})?)$/i.exec(word) ?? [];
    const difficulty = Number(digits);
    if (Number.isFinite(difficulty) && difficulty > 0) return difficulty;
  }
  return null;
}
