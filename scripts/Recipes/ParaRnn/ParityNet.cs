using TorchSharp.Modules;
using TorchZoo.Models.Sequences;
using static TorchSharp.torch;

namespace TorchZoo.Scripts.Recipes;

/// <summary>Bits (batch, time) → logits of the parity of all bits so far, (batch, time, 2): a recurrence between an embedding and a linear
/// map.</summary>
internal sealed class ParityNet : nn.Module<Tensor, Tensor>
{
    private const long Width = 32;
    private readonly Embedding _embedding;
    private readonly ParaRnnCell _cell;
    private readonly Linear _head;

    /// <param name="kind">The recurrence.</param>
    /// <param name="linear">Whether the recurrence is linear in its state: gates and candidate know the input alone.</param>
    /// <param name="generator">Source of the recurrence's weights.</param>
    public ParityNet(CellKind kind, bool linear, Generator generator) : base(nameof(ParityNet))
    {
        double? bound = linear ? 0 : null;
        _embedding = nn.Embedding(2, Width);
        _cell = kind == CellKind.Gru ? new ParaGru(Width, Width, maxRecurrentNorm: bound, generator: generator)
            : new ParaLstm(Width, Width, maxRecurrentNorm: bound, generator: generator);
        _head = nn.Linear(Width, 2);
        RegisterComponents();
    }

    public ParaRnnCell Cell => _cell;

    public override Tensor forward(Tensor bits)
    {
        using var scope = NewDisposeScope();
        return _head.call(_cell.call(_embedding.call(bits))).MoveToOuterDisposeScope();
    }

    /// <summary>The cell's inputs.</summary>
    public Tensor Embed(Tensor bits) => _embedding.call(bits);

    /// <summary>Logits of the cell's outputs.</summary>
    public Tensor Read(Tensor outputs) => _head.call(outputs);
}
