using static TorchSharp.torch;

namespace TorchZoo.Kernels;

/// <summary>One use of a <see cref="KernelFunction"/>: its inputs, and what the forward pass leaves for the backward pass.</summary>
public sealed class KernelCall
{
    private readonly bool[] _needs;
    private readonly List<Tensor?> _saved = [];

    internal KernelCall(Tensor?[] inputs, bool isRecorded)
    {
        Inputs = inputs;
        IsRecorded = isRecorded;
        _needs = [.. inputs.Select(x => isRecorded && x is { requires_grad: true })];
    }

    // In the backward pass, of an earlier call.
    internal KernelCall(KernelCall call, Tensor?[] inputs, IReadOnlyList<Tensor?> saved)
    {
        (Inputs, IsRecorded, State, _needs) = (inputs, true, call.State, call._needs);
        _saved.AddRange(saved);
    }

    internal Tensor?[] Inputs { get; }

    internal IReadOnlyList<Tensor?> AllSaved => _saved;

    /// <summary>How many inputs, those that are null counted.</summary>
    public int Count => _needs.Length;

    /// <summary>Whether a backward pass may follow. If not, nothing need be computed for it.</summary>
    public bool IsRecorded { get; }

    /// <summary>Anything else that the backward pass needs and that isn't a tensor.</summary>
    public object? State { get; set; }

    /// <summary>An input that isn't null.</summary>
    /// <exception cref="InvalidOperationException">It is; or, in the backward pass, inputs aren't saved
    /// (<see cref="KernelFunction.SavesInputs"/>).</exception>
    public Tensor this[int input] => Optional(input) ?? throw new InvalidOperationException($"there is no input {input} here");

    /// <summary>An input, or null.</summary>
    public Tensor? Optional(int input) => Inputs[input];

    /// <summary>Whether the gradient by an input is wanted.</summary>
    public bool Needs(int input) => _needs[input];

    /// <summary>Keeps tensors for the backward pass: outputs or intermediate results. Without effect if there is none.</summary>
    public void Save(params ReadOnlySpan<Tensor?> tensors)
    {
        if (IsRecorded) _saved.AddRange(tensors);
    }

    /// <summary>A tensor that <see cref="Save"/> kept, in the order in which they were given to it.</summary>
    /// <exception cref="InvalidOperationException">It was null.</exception>
    public Tensor Saved(int index) => OptionalSaved(index) ?? throw new InvalidOperationException($"saved tensor {index} is null");

    /// <summary>As <see cref="Saved"/>, but it may be null.</summary>
    public Tensor? OptionalSaved(int index) => _saved[index];
}
