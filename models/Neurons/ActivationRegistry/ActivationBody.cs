using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>An activation's map.</summary>
/// <param name="x">Input.</param>
/// <param name="y">Second input, if it is gated.</param>
/// <param name="axis">Where vectors lie and pairs are put, not negative.</param>
/// <param name="p">Its parameters' values, broadcastable with x.</param>
internal delegate Tensor ActivationBody(Tensor x, Tensor? y, long axis, Tensor[] p);
