// html_report_sample RESULT.json [RESULT.json] > report.html
#include <fstream>
#include <iostream>
#include <vector>

#include <bench/report/html.hpp>

int main(int count, char** words) {
  try {
    std::vector<nlohmann::ordered_json> results;
    for (int i = 1; i < count; ++i) {
      std::ifstream file(words[i]);
      results.push_back(nlohmann::ordered_json::parse(file));
    }
    std::cout << weir::load::html_report(results) << std::flush;
    return std::cout ? 0 : 1;
  } catch (const std::exception& wrong) {
    std::cerr << wrong.what() << '\n';
    return 1;
  }
}
