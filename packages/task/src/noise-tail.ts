import { type NoiseScale, noiseVariance } from './noise-scale.js';
export function noiseTail(scale: NoiseScale, surplus: number): number {
  const L = 28.41903;
  return Math.ceil(L / 3 + Math.sqrt((L * L) / 9 + 2 * L * noiseVariance(scale) * surplus));
}
