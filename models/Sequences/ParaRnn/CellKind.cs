namespace TorchZoo.Models.Sequences;

/// <summary>The paper's two recurrences.</summary>
public enum CellKind
{
    /// <summary><see cref="ParaGru"/></summary>
    Gru,

    /// <summary><see cref="ParaLstm"/></summary>
    Lstm,
}
