namespace TorchZoo.Models.Neurons;

/// <summary>One layer of a <see cref="MultipletNetwork"/>.</summary>
/// <param name="Groups">Groups of neurons, each with weights of its own.</param>
/// <param name="Exponents">The exponents s of a group's neurons, before training: a doublet has 1 and −3, a triplet −4, 1 and 4.</param>
/// <param name="ExponentsD">The second exponents d of Gini means, as many; null: Lehmer means, d = s − 1.</param>
/// <param name="AsRatio">With second exponents: the quotient of sums without the root.</param>
public sealed record MultipletConfig(long Groups, IReadOnlyList<double> Exponents, IReadOnlyList<double>? ExponentsD = null,
    bool AsRatio = false);
