namespace TorchZoo.Models.Sequences;

/// <summary>What Newton's method did.</summary>
/// <param name="Iterations">Iterations done.</param>
/// <param name="ResidualPerIteration">max |f(h_{t−1}, x_t) − h_t| of the first guess and after each iteration; NaN or ∞ if it
/// diverged.</param>
/// <param name="FallbackFraction">Share of the series that were computed step by step instead.</param>
/// <param name="Converged">Whether all series were solved, without those.</param>
public sealed record NewtonReport(int Iterations, IReadOnlyList<double> ResidualPerIteration, double FallbackFraction, bool Converged);
