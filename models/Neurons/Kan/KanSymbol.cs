namespace TorchZoo.Models.Neurons;

/// <summary>An edge of a <see cref="Kan"/> whose function is known: φ(x) = c f(a x + b) + d.</summary>
/// <param name="Layer">Which layer of edges.</param>
/// <param name="Input">The node where it begins.</param>
/// <param name="Output">The subnode where it ends.</param>
/// <param name="Function">f, a name in the <see cref="SymbolicLibrary"/>.</param>
public sealed record KanSymbol(int Layer, long Input, long Output, string Function);
