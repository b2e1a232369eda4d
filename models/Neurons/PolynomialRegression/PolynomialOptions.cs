using TorchSharp;
using static TorchSharp.torch;

namespace TorchZoo.Models.Neurons;

/// <summary>How a polynomial is fitted, whatever the data's sizes are.</summary>
public sealed record PolynomialOptions
{
    /// <summary>The highest total degree, ≥ 1.</summary>
    public int Degree { get; init; } = 2;

    /// <summary>The most distinct columns in a monomial; null: as many as the degree.</summary>
    public int? InteractionDegree { get; init; }

    /// <summary>λ ≥ 0 of λ‖β‖², the intercept free.</summary>
    public double Ridge { get; init; }

    /// <summary>Whether columns, but for dummies, are standardised first.</summary>
    public bool Standardize { get; init; } = true;

    /// <summary>Principal components to take the monomials of; null: of the columns themselves.</summary>
    public PcaOption? Pca { get; init; }

    /// <summary>Which columns are 0 or 1; null: none.</summary>
    public IReadOnlyList<bool>? IsDummy { get; init; }

    /// <summary>Number of the categorical column each dummy comes from, negative: of none.</summary>
    public IReadOnlyList<int>? Groups { get; init; }

    /// <summary>The largest absolute value of a standardised column in predictions; null: any.</summary>
    public double? Clamp { get; init; }

    internal PolynomialOptions Checked()
    {
        _ = new PolynomialFeatures(1, Degree, InteractionDegree);
        PolynomialRegression.CheckRidge(Ridge);
        return this;
    }

    /// <summary>The polynomial for some data, its columns fitted, its coefficients not yet.</summary>
    internal PolynomialRegression Create(Tensor x, long outFeatures)
    {
        using var scope = NewDisposeScope();
        var wide = PolynomialRegression.CheckExamples(x);
        var most = (int)x.shape[1];
        var components = Pca switch
        {
            null => (int?)null,
            { Components: { } count } => count,
            _ => PolynomialRegression.ComponentsFor(wide, Standardize, Pca.Share ?? 1),
        };
        if (components > most)
            throw new ArgumentException($"Expected at least {components} columns, as many as components, got {most}", nameof(x));
        var model = new PolynomialRegression(new PolynomialRegressionConfig
        {
            InFeatures = most,
            OutFeatures = outFeatures,
            Degree = Degree,
            InteractionDegree = InteractionDegree,
            IsDummy = IsDummy,
            Groups = Groups,
            Components = components,
            Clamp = Clamp,
        });
        if (x.device.type != DeviceType.CPU) model.to(x.device);
        model.FitColumns(wide, Standardize);
        model.eval();
        return model;
    }
}
