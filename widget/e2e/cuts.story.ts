import { writeFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import { cutAtRandom, DELAY_MS, TOKENS, type Verdict } from './support/cuts.js';
import { isBare, Stage } from './support/stage.js';

const CUTS = Number(process.env.WIDGET_CUTS ?? 30);

it.skipIf(isBare)(
  `${CUTS} random cuts of the network lose, double and garble nothing`,
  async () => {
    const stage = await Stage.set({ tokens: TOKENS, delayMs: DELAY_MS });
    const verdict = await cutAtRandom(stage, CUTS);
    const report = tell(verdict);
    console.log(report);
    if (process.env.WIDGET_REPORT) writeFileSync(process.env.WIDGET_REPORT, report);
    expect(verdict).toMatchObject({ lost: 0, doubled: 0, garbled: 0, torn: [] });
    await stage.strike();
  },
  60_000 + CUTS * 10_000,
);

function tell({ seed, faults, messages, lost, doubled, garbled, torn }: Verdict): string {
  const counted = Object.entries(faults).map(
    ([name, count]) => `${String(count).padStart(12)}  ${name}`,
  );
  const found = `${messages} messages: ${lost} lost, ${doubled} doubled, ${garbled} garbled, ${torn.length} torn on the screen`;
  return [`${CUTS} faults of the network, seed ${seed}`, ...counted, found].join('\n');
}
