namespace TorchZoo.Models.Neurons;

/// <summary>How a <see cref="PolynomialClassifier"/> fits its coefficients.</summary>
public enum PolynomialClassifierMethod
{
    /// <summary>Least squares on one-hot classes, in closed form (polyreg's <c>mvrlm</c>). Its scores are no probabilities.</summary>
    LeastSquares,

    /// <summary>A logistic regression for each class against all others.</summary>
    OneVersusAll,

    /// <summary>A logistic regression for each pair of classes, on examples of these alone.</summary>
    AllVersusAll,

    /// <summary>One logistic regression with a softmax over all classes.</summary>
    Multinomial,
}
