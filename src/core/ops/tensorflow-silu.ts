// SiLU and its slope as one TensorFlow.js kernel with its own gradient, for the backend `tensorflow`: a third of the operations.
import * as tf from '@tensorflow/tfjs-core';

const NAME = 'FlowDenoiseSilu';

/** The part of tfjs-node's backend that we use: TensorFlow's operations by name. */
interface NodeBackend {
  executeSingleOutput(
    name: string,
    attributes: readonly { readonly name: string; readonly type: number; readonly value: unknown }[],
    inputs: readonly tf.TensorInfo[],
  ): tf.TensorInfo;
  readonly binding: { readonly TF_ATTR_TYPE: number; readonly TF_FLOAT: number };
}

/** Runs a TensorFlow operation on floats. */
function native(name: string, ...inputs: readonly tf.TensorInfo[]): tf.Tensor {
  const backend = tf.backend() as unknown as NodeBackend;
  const { TF_ATTR_TYPE: type, TF_FLOAT: value } = backend.binding;
  return backend.executeSingleOutput(name, [{ name: 'T', type, value }], inputs) as tf.Tensor;
}

// The kernel can be registered before the backend is there.
tf.registerKernel({
  kernelName: NAME,
  backendName: 'tensorflow',
  kernelFunc({ inputs }) {
    const x = inputs.x as tf.TensorInfo;
    const s = native('Sigmoid', x);
    const y = native('Mul', x, s);
    // SigmoidGrad(s, d) = d s (1 - s), so this is x s (1 - s).
    const rest = native('SigmoidGrad', s, x);
    const slope = native('AddV2', s, rest);
    tf.dispose([rest, s]);
    return [y, slope];
  },
});

tf.registerGradient({
  kernelName: NAME,
  inputsToSave: ['x'],
  outputsToSave: [true, false],
  gradFunc(dys, saved) {
    const [dy, dSlope] = dys as tf.Tensor[] as [tf.Tensor, tf.Tensor];
    const [x, y] = saved as [tf.Tensor, tf.Tensor];
    return {
      // d slope / dx = s (1 - s) (2 + x - 2 y).
      x: () => {
        const s = native('Sigmoid', x);
        const bend = tf.add(tf.sub(x, tf.add(y, y)), 2);
        // dy (s + x s (1 - s)) + dSlope bend s (1 - s), with the s (1 - s) of both taken together.
        const bent = tf.add(tf.mul(dy, x), tf.mul(dSlope, bend));
        return tf.add(tf.mul(dy, s), native('SigmoidGrad', s, bent));
      },
    };
  },
});

/** x sigmoid(x) and its derivative; undefined if the backend has no such kernel. */
export function fusedSilu(x: tf.Tensor): { y: tf.Tensor; slope: tf.Tensor } | undefined {
  if (tf.getBackend() !== 'tensorflow') return undefined;
  const [y, slope] = tf.engine().runKernel(NAME, { x }) as unknown as [tf.Tensor, tf.Tensor];
  return { y, slope };
}
