/** The models of `npm run bench:models`. */
import type { Graph } from '../../lib/graph/graph.js';
import { efficientNetB0, mobileNetV2, mobileNetV3Large, resNet18, resNet50, shuffleNetV2, squeezeNet } from './cnn.js';
import { vitTiny } from './vit.js';

export const benchModels: readonly { readonly name: string; readonly build: () => Graph }[] = [
  { name: 'MobileNetV2', build: mobileNetV2 },
  { name: 'MobileNetV3-L', build: mobileNetV3Large },
  { name: 'ShuffleNetV2', build: shuffleNetV2 },
  { name: 'SqueezeNet1.1', build: squeezeNet },
  { name: 'EfficientNet-B0', build: efficientNetB0 },
  { name: 'ResNet18', build: resNet18 },
  { name: 'ResNet50', build: resNet50 },
  { name: 'ViT-Tiny/16', build: vitTiny },
];
